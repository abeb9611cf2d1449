using TokenVault.Server.Audit;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Tells of tokensets that end soon, so that their users can be asked to connect again in time. Any number of nodes may look: what has been
/// told is stored with the event, in one commit.
/// </summary>
internal sealed class ExpiryWatch(IStorage storage, AuditLog audit, TimeProvider time, ILogger<ExpiryWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // While no node ran, nothing was told; what has ended by now needs no warning.
        var since = time.GetUtcNow() - Tokenset.LongestWarning;
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                var now = time.GetUtcNow();
                await TellAsync(since, now, stoppingToken);
                since = now - Hour;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.BackgroundWorkFailed(logger, e, "expiry warnings");
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task TellAsync(DateTimeOffset since, DateTimeOffset now, CancellationToken stopping)
    {
        for (var hour = since; hour < now + Hour; hour += Hour)
        {
            foreach (var tokenset in await storage.ListReadableAsync<Tokenset>(Tokenset.WarningIndex(hour), logger, stopping))
            {
                if (tokenset.WarningAt <= now && tokenset.EndsAt is { } end && end > now)
                {
                    await TellAsync(tokenset, end, stopping);
                }
            }
        }
    }

    private async Task TellAsync(Tokenset tokenset, DateTimeOffset end, CancellationToken stopping)
    {
        var id = ExpiryNotice.IdOf(tokenset, end);
        if (await storage.FindAsync<ExpiryNotice>(id, stopping) is not null)
        {
            return;
        }

        var told = RefreshLanding.Event(AuditType.TokensetExpiresSoon, tokenset);
        told.Details!["connected_account_id"] = tokenset.AccountId;
        told.Details["expires_at"] = WireJson.Date(end);

        // When it has changed meanwhile, the next look sees what it is now.
        await storage.CommitAsync(new Batch()
            .Require(tokenset)
            .Insert(new ExpiryNotice
            {
                Id = id,
                UserId = tokenset.UserId,
                AccountId = tokenset.AccountId,
                ConnectionId = tokenset.ConnectionId,
                ExpiresAt = end,
            })
            .Append(audit.Row(told)));
    }
}
