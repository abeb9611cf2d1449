using System.Collections.Concurrent;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>One call of a provider's token endpoint under a claimed lease, and what follows from each way it can end.</summary>
internal sealed class RefreshCall(
    IStorage storage, TokensetSealer sealer, RefreshSaver saver, ProviderClient provider, AuditLog audit, TimeProvider time, ILogger<RefreshCall> logger)
{
    private const int MostUnsent = 10_000;

    private readonly ProviderGates _gates = new(time);
    private readonly ConcurrentDictionary<string, bool> _unsent = new(StringComparer.Ordinal);

    /// <summary>A place at the provider; taken before the claim, so that waiting for one does not use up the lease.</summary>
    public Task<IDisposable> EnterAsync(Connection connection) => _gates.Of(connection.Id).EnterAsync();

    /// <summary>How long this connection's provider is to be left alone; null when it may be called.</summary>
    public TimeSpan? Paused(Connection connection) => _gates.Of(connection.Id).Paused;

    /// <summary>What came of a call that the connection's gate let through.</summary>
    public void Note(Connection connection, ProviderFailure? failure)
    {
        var gate = _gates.Of(connection.Id);
        if (failure is null)
        {
            gate.Succeeded();
            return;
        }

        gate.Failed(failure);
    }

    /// <summary>Whose tokens are expected; null when the provider names nobody.</summary>
    public static ProviderIdentity? IdentityOf(Tokenset tokenset) =>
        tokenset is { Issuer: { } issuer, UpstreamUserId: { } subject } ? new ProviderIdentity(issuer, subject, tokenset.UpstreamEmail) : null;

    /// <summary>When an attempt whose outcome nobody stored may be followed by another; null while it may still be under way.</summary>
    public DateTimeOffset? NotBefore(RefreshAttempt open, Connection connection)
    {
        if (WasNotSent(open))
        {
            return open.At;
        }

        return open.Left ? open.RestsSince + RulesOf(connection).RetryAfterUnknown : null;
    }

    /// <summary>
    /// Establishes that whoever made the open attempt is gone: their lease has run out. They may only be standing still, with the
    /// answer in their hands; so what the provider's ways demand is waited for from now on.
    /// </summary>
    public Task<CommitOutcome> TakeOverAsync(Tokenset current, RefreshLease lease) =>
        lease.WriteWhileFreeAsync(current with { Attempt = current.Attempt!.Leave(time.GetUtcNow()) });

    /// <summary>Lease and intent; what an attempt before this one left in doubt stays in doubt.</summary>
    public async Task<CommitOutcome> ClaimAsync(Tokenset current, string attemptId, RefreshLease lease)
    {
        var unknownSince = current.Attempt is { } open ? (WasNotSent(open) ? open.UnknownSince : open.Oldest) : null;
        var attempt = new RefreshAttempt(attemptId, current.Generation, time.GetUtcNow(), unknownSince)
        {
            LeftAt = current.Attempt?.LeftAt,
            DoubtedSince = current.Attempt?.DoubtedSince,
        };

        // Until the claim is known to stand, this process has not sent anything for it; should its answer be lost with the store, that is worth knowing.
        Unsent(attempt);
        var outcome = await lease.ClaimAsync(current with { Attempt = attempt });
        _unsent.TryRemove(attempt.Id, out _);
        if (outcome == CommitOutcome.Committed && current.Attempt is { } former)
        {
            _unsent.TryRemove(former.Id, out _);
        }

        return outcome;
    }

    /// <exception cref="CorruptRecordException">The tokenset does not open.</exception>
    public Secret RefreshTokenOf(Tokenset tokenset) =>
        sealer.Open(tokenset).RefreshToken ?? throw new CorruptRecordException(Tokenset.Kind, tokenset.Id, inner: null);

    /// <returns>Null: look again, another refresh token has taken the place of the one that was refused.</returns>
    public async Task<RefreshResult?> SendAsync(Connection connection, Secret refreshToken, RefreshLease lease)
    {
        var claimed = lease.Claimed!;
        using var done = new CancellationTokenSource();
        var alive = lease.KeepAliveAsync(done.Token);
        try
        {
            var answer = await provider.RefreshAsync(connection, refreshToken, IdentityOf(claimed), () => !lease.IsTooOldToSend);
            Note(connection, answer.Failure);
            var received = answer.Value is { } tokens
                ? SpooledAnswer.Of(claimed, ReceivedTokens.From(tokens, refreshToken, time.GetUtcNow()), connection)
                : null;
            if (answer.Failure is null)
            {
                return await saver.SaveAsync(received!, lease);
            }

            Log.RefreshFailed(logger, claimed.Id, claimed.Connection, answer.Failure.Kind.ToString(), answer.Failure.Detail);
            if (received is not null)
            {
                await saver.SaveAsync(received.Quarantined(), lease);
            }

            return await FailedAsync(claimed, connection, lease, answer.Failure);
        }
        finally
        {
            // Kept alive until the answer is saved.
            await done.CancelAsync();
            await alive;
        }
    }

    private async Task<RefreshResult?> FailedAsync(Tokenset claimed, Connection connection, RefreshLease lease, ProviderFailure failure)
    {
        switch (failure.Kind)
        {
            case ProviderFailureKind.OutcomeUnknown:
                if (failure.UnreadAnswer is { } body)
                {
                    await saver.SaveAsync(SpooledAnswer.Unread(claimed, body, connection, time.GetUtcNow()), lease);
                }

                // The intent stays: the next attempt waits as long as the provider's rotation class demands.
                await SettleAsync(claimed, lease, claimed.Attempt!.Leave(claimed.Attempt.At));
                return RefreshResult.Unavailable(failure.Detail, failure.RetryAfter);
            case ProviderFailureKind.GrantRejected:
                return await RejectedAsync(claimed, connection, lease, failure);
            case ProviderFailureKind.IdentityRejected:
                return await DieAsync(claimed, lease, failure);
            default:
                await GiveBackAsync(claimed, lease);
                return RefreshResult.Unavailable(failure.Detail, failure.RetryAfter);
        }
    }

    private async Task<RefreshResult?> RejectedAsync(Tokenset claimed, Connection connection, RefreshLease lease, ProviderFailure failure)
    {
        if (await saver.UseSpareAsync(claimed, lease))
        {
            return null;
        }

        // After an attempt whose outcome is unknown, the refusal may mean that its answer is still on its way into the store.
        var attempt = claimed.Attempt!;
        if (attempt.RefusalCountsFrom(RulesOf(connection).FinalAfterUnknown) is { } final && time.GetUtcNow() < final)
        {
            // This attempt has an outcome; the one in doubt is still the former.
            await SettleAsync(claimed, lease, attempt with { Left = true });
            return RefreshResult.Unavailable("the grant is in doubt after a refresh without an outcome", final - time.GetUtcNow());
        }

        return await DieAsync(claimed, lease, failure);
    }

    /// <summary>The intent is taken back: it is known that the refresh token was not used.</summary>
    private async Task GiveBackAsync(Tokenset claimed, RefreshLease lease)
    {
        var attempt = claimed.Attempt!;
        Unsent(attempt);
        await SettleAsync(claimed, lease, attempt.UnknownSince is { } since ? attempt with { At = since, UnknownSince = null, Left = true } : null);
        _unsent.TryRemove(attempt.Id, out _);
    }

    /// <summary>Says what is left of the attempt, in whatever has become of its row, and gives the lease back.</summary>
    private async Task SettleAsync(Tokenset claimed, RefreshLease lease, RefreshAttempt? left)
    {
        for (var row = claimed; row?.Attempt?.Id == claimed.Attempt!.Id; row = await storage.FindAsync<Tokenset>(claimed.Id, CancellationToken.None))
        {
            var batch = new Batch().RequireFence(lease.Name, lease.Fence).Replace(row with { Attempt = left }).ReleaseLease(lease.Name, lease.Fence);
            var result = await storage.CommitAsync(batch);
            if (result.Outcome is CommitOutcome.Committed or CommitOutcome.LeaseConflict)
            {
                return;
            }
        }

        await storage.CommitAsync(new Batch().ReleaseLease(lease.Name, lease.Fence));
    }

    /// <summary>Final only while our generation is the one that stands (T-RC-07): the fence and the compare-and-swap say so.</summary>
    private async Task<RefreshResult> DieAsync(Tokenset claimed, RefreshLease lease, ProviderFailure failure)
    {
        var dead = claimed with { State = TokensetState.ReauthorizationRequired, Attempt = null };
        var died = RefreshLanding.Event(AuditType.TokensetDied, claimed) with { Description = failure.Detail };

        // The one loss that no client can prevent is told apart: an earlier answer got lost between the provider's commit and ours.
        died.Details!["cause"] = claimed.Attempt!.UnknownSince is null ? "withdrawn" : "answer_lost";
        var batch = new Batch().RequireFence(lease.Name, lease.Fence).Replace(dead).Append(audit.Row(died)).ReleaseLease(lease.Name, lease.Fence);
        if ((await storage.CommitAsync(batch)).Committed)
        {
            return RefreshResult.Of(dead);
        }

        // The row may be another consent's by now; of this attempt it is known that it changed nothing.
        await SettleAsync(claimed, lease, left: null);
        return await storage.FindAsync<Tokenset>(claimed.Id, CancellationToken.None) is { } now ? RefreshResult.Of(now) : RefreshResult.Gone();
    }

    private RotationRules RulesOf(Connection connection) => RotationRules.Of(provider.RotationOf(connection));

    /// <summary>What another node went on with is never asked for here again. Forgetting is safe: an attempt counts as in doubt then.</summary>
    private void Unsent(RefreshAttempt attempt)
    {
        if (_unsent.Count >= MostUnsent)
        {
            _unsent.Clear();
        }

        _unsent[attempt.Id] = true;
    }

    private bool WasNotSent(RefreshAttempt attempt) => _unsent.ContainsKey(attempt.Id);
}
