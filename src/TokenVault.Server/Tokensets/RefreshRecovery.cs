using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Finishes what a crash left: answers in the spool go into the store, and attempts without an outcome are followed up, so that a
/// grant does not wait in doubt for its user's next request.
/// </summary>
internal sealed class RefreshRecovery(
    IStorage storage, RecordCache cache, RefreshSaver saver, TokensetRefresher refresher, TimeProvider time, ILogger<RefreshRecovery> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await saver.DrainAsync();
                await FollowUpAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.BackgroundWorkFailed(logger, e, "refresh recovery");
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(
            tick => tick is { IsCompletedSuccessfully: true, Result: true }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default));
    }

    private async Task FollowUpAsync(CancellationToken stopping)
    {
        var open = await storage.ListReadableAsync<Tokenset>(Tokenset.AttemptIndex, logger, stopping);
        var due = open.Where(tokenset => tokenset.Attempt is { } attempt && IsDue(attempt, time.GetUtcNow())).ToList();
        if (due.Count == 0)
        {
            return;
        }

        // Each wait is counted by the nodes' clocks: a node whose clock is off would cut another one's short.
        await storage.ProbeAsync(stopping);
        await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stopping }, async (tokenset, _) =>
        {
            if (await cache.FindAsync<Connection>(tokenset.ConnectionId, stopping) is { } connection)
            {
                await refresher.FollowUpAsync(tokenset, connection, stopping);
            }
        });
    }

    /// <summary>The longer the doubt has lasted, the longer the pauses: a provider in trouble is not hammered for nobody's sake.</summary>
    private static bool IsDue(RefreshAttempt attempt, DateTimeOffset now)
    {
        var doubt = (attempt.At - attempt.Oldest) / 2;
        var pause = doubt < LongestPause ? doubt : LongestPause;
        return (attempt.Left ? attempt.RestsSince + pause : attempt.At + RefreshLease.Duration) < now;
    }
}
