using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Accounts;

/// <summary>
/// Gives back to the provider what came for a connect request that nobody completed (T-CF-02). Where the same provider account
/// is connected already, its grant must not end with that: there the tokens wait, as spares, for the account's own removal.
/// </summary>
internal sealed class HeldGrantSweep(
    IStorage storage, ConnectSealer sealer, RefreshKeeping keeping, RevocationOutbox outbox, TimeProvider time, ILogger<HeldGrantSweep> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan NamelessLife = TimeSpan.FromDays(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var held = await storage.ListReadableAsync<HeldGrant>(index: null, logger, stoppingToken);
                foreach (var grant in held.Where(grant => grant.Deadline <= time.GetUtcNow()))
                {
                    await GiveBackAsync(grant, stoppingToken);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.BackgroundWorkFailed(logger, e, "held grants");
            }
        }
    }

    private async Task GiveBackAsync(HeldGrant held, CancellationToken stopping)
    {
        var batch = new Batch().Delete(held);
        if (Open(held) is { } grant)
        {
            var tokens = new ReceivedTokens(grant.AccessToken, grant.RefreshToken, grant.Scopes, grant.ExpiresAt, grant.ReceivedAt, SentHash: "");
            if (await SameAccountAsync(held, grant, stopping) is { } connected)
            {
                // A new version, so that a removal of the account cannot miss the spare; a grant of its own, so that no refresh uses it.
                batch.Replace(connected).Insert(keeping.Spare(held.Id, connected with { GrantId = Identifier.Secret() }, tokens));
            }
            else if (await IsNamelessAsync(held, grant, stopping))
            {
                // Whose it is, nobody knows: to revoke it could end the grant of a connected account. An operator has a month to look.
                if (grant.ReceivedAt + NamelessLife > time.GetUtcNow())
                {
                    return;
                }
            }
            else
            {
                outbox.Enqueue(batch, new TokenOwner(held.UserId, AccountId: null, held.Id), held.Connection, tokens.Access, tokens.Refresh);
            }
        }

        // Completed, or given back by another node, in this moment: then there is nothing to do; else the next round does it.
        await storage.CommitAsync(batch);
    }

    /// <summary>A sign-in in which the provider named nobody, at a connection that has accounts in the vault.</summary>
    private async Task<bool> IsNamelessAsync(HeldGrant held, PendingGrant grant, CancellationToken stopping)
    {
        var accounts = new ListQuery(Tokenset.Kind) { Index = EntityKey.Index("connection", held.Connection.Id), Take = 1 };
        return held.UserId.Length == 0 && grant.Subject is null && await storage.CountAsync(accounts, stopping) > 0;
    }

    /// <summary>Where the provider names nobody, any account that the user has there may be the same.</summary>
    private async Task<Tokenset?> SameAccountAsync(HeldGrant held, PendingGrant grant, CancellationToken stopping)
    {
        var index = grant is { Issuer: { } issuer, Subject: { } subject }
            ? Tokenset.UpstreamIndex(held.Connection.Id, issuer, subject)
            : Tokenset.OwnerIndex(held.UserId, held.Connection.Id);
        return (await storage.ListReadableAsync<Tokenset>(index, logger, stopping)).FirstOrDefault();
    }

    private PendingGrant? Open(HeldGrant held)
    {
        try
        {
            return sealer.OpenGrant(held);
        }
        catch (BrokenSealException e)
        {
            Log.CorruptRecord(logger, e, HeldGrant.Kind, held.Id);
            return null;
        }
    }
}
