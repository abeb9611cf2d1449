using TokenVault.Server.Diagnostics;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Accounts;

/// <summary>
/// Gives back to the provider what came for a connect request that nobody completed (T-CF-02). Where the same provider account
/// is connected already, its grant must not end with that: there the tokens wait, as spares, for the account's own removal.
/// </summary>
internal sealed class HeldGrantSweep(
    IStorage storage, ConnectSealer sealer, RevocationOutbox outbox, TimeProvider time, ILogger<HeldGrantSweep> logger)
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
            var refreshToken = grant.RefreshToken is { } token ? new Secret(token) : null;
            if (await IsNamelessAsync(held, grant, stopping))
            {
                // Whose it is, nobody knows: to revoke it could end the grant of a connected account. An operator has a month to look.
                if (grant.ReceivedAt + NamelessLife > time.GetUtcNow())
                {
                    return;
                }
            }
            else
            {
                outbox.Enqueue(batch, new TokenOwner(held.UserId, AccountId: null, held.Id, grant.Issuer, grant.Subject), held.Connection, new Secret(grant.AccessToken), refreshToken);
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
