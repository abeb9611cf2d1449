using System.Threading.Channels;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Tells providers to forget tokens that are no longer wanted. An entry is made in the commit that gives the token up, and worked
/// off until the provider has accepted it, for at most a day (T-UP-15).
/// </summary>
internal sealed class RevocationOutbox(
    IStorage storage, KeyRing ring, ProviderClient provider, AuditLog audit, TimeProvider time, ILogger<RevocationOutbox> logger) : BackgroundService
{
    private const string LeaseName = "revocations";

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromHours(24);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private readonly string _node = Identifier.Secret();
    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Adds the entry to the commit that gives the tokens up. The refresh token ends the whole grant; without one, the access token is what there is.</summary>
    public Batch Enqueue(Batch batch, TokenOwner owner, Connection connection, Secret accessToken, Secret? refreshToken)
    {
        var now = time.GetUtcNow();
        var revocation = new PendingRevocation
        {
            Id = "rev_" + Identifier.Secret(),
            UserId = owner.UserId,
            AccountId = owner.AccountId,
            TokensetId = owner.TokensetId,
            Connection = connection,
            Hint = refreshToken is null ? "access_token" : "refresh_token",
            CreatedAt = now,
            NextAttemptAt = now,
        };
        return batch.Insert(revocation with { SealedToken = ring.SealText(refreshToken ?? accessToken, revocation.Identity()) });
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var watch = storage.Watch(change =>
        {
            if (change.Kind is null or "revocation")
            {
                _wakes.Writer.TryWrite(true);
            }
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WorkAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.BackgroundWorkFailed(logger, e, LeaseName);
            }

            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(_wakes.Reader.WaitToReadAsync(pause.Token).AsTask(), Task.Delay(Poll, time, pause.Token));
            await pause.CancelAsync();
            _wakes.Reader.TryRead(out _);
        }
    }

    private async Task WorkAsync(CancellationToken stopping)
    {
        var now = time.GetUtcNow();
        var pending = await storage.ListAllAsync<PendingRevocation>(PendingRevocation.Due, stopping);
        var due = pending.Where(revocation => revocation.NextAttemptAt <= now).ToList();
        if (due.Count == 0)
        {
            return;
        }

        // One node at a time; a second call for the same token would do no harm.
        var lease = await storage.CommitAsync(new Batch().AcquireLease(LeaseName, _node, LeaseTime));
        if (!lease.Committed)
        {
            return;
        }

        await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stopping }, RevokeAsync);
        await storage.CommitAsync(new Batch().ReleaseLease(LeaseName, lease.Fence));
    }

    private async ValueTask RevokeAsync(PendingRevocation pending, CancellationToken stopping)
    {
        var (supported, failure) = await TryRevokeAsync(pending, stopping);
        var now = time.GetUtcNow();
        var ended = failure is null || pending.CreatedAt + GiveUpAfter <= now;
        var next = pending with
        {
            Attempts = pending.Attempts + 1,
            Problem = failure?.Detail,
            State = StateOf(supported, failure, ended),
            SealedToken = ended ? null : pending.SealedToken,
            EndedAt = ended ? now : null,
            NextAttemptAt = now + Pause(pending.Attempts),
        };
        var batch = new Batch().Replace(next);
        if (ended)
        {
            batch.Append(audit.Row(Event(next)));
        }

        await storage.CommitAsync(batch);
    }

    private static RevocationState StateOf(bool supported, ProviderFailure? failure, bool ended)
    {
        if (failure is null)
        {
            return supported ? RevocationState.Revoked : RevocationState.NotSupported;
        }

        return ended ? RevocationState.Failed : RevocationState.Pending;
    }

    private async Task<RevocationAnswer> TryRevokeAsync(PendingRevocation pending, CancellationToken stopping)
    {
        try
        {
            var token = ring.OpenText(pending.SealedToken, pending.Identity());
            return await provider.RevokeAsync(pending.Connection, token, pending.Hint, stopping);
        }
        catch (BrokenSealException e)
        {
            return new(Supported: true, new ProviderFailure(ProviderFailureKind.Misconfigured, e.Message));
        }
    }

    private static TimeSpan Pause(int attempts)
    {
        var doubled = TimeSpan.FromMinutes(Math.Pow(2, Math.Min(attempts, 10)));
        return doubled < LongestPause ? doubled : LongestPause;
    }

    private static AuditEvent Event(PendingRevocation revocation) => new()
    {
        Type = revocation.State == RevocationState.Failed ? AuditType.TokenRevocationFailed : AuditType.TokenRevoked,
        Description = revocation.Problem,
        UserId = revocation.UserId,
        Connection = revocation.Connection.Name,
        ConnectionId = revocation.Connection.Id,
        Details = new()
        {
            ["tokenset_id"] = revocation.TokensetId,
            ["connected_account_id"] = revocation.AccountId,
            ["state"] = RevocationStates.Name(revocation.State),
            ["attempts"] = revocation.Attempts,
        },
    };
}
