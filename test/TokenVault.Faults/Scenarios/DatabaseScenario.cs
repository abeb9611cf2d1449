using System.Globalization;
using TokenVault.Faults.Checks;
using TokenVault.Faults.World;

namespace TokenVault.Faults.Scenarios;

/// <summary>
/// The database crashes and comes back, in the middle of refreshes at all nodes (F-07): what a provider answered meanwhile waits in the
/// nodes and their spools, and everybody is served again soon. By the system's own time: nothing here is faster than in life.
/// </summary>
internal static class DatabaseScenario
{
    private const int Slowness = 600;

    private static readonly TimeSpan LongestRecovery = TimeSpan.FromSeconds(15);

    public static async Task RunAsync(Scene scene)
    {
        var ledger = scene.Ledger;
        await using var world = await scene.WorldAsync(new WorldPlan(Nodes: 3, scene.Sizes.Users, Factor: 1));
        _ = new ProviderTrap(world, scene, Slowness);
        var check = new RoundCheck(world, ledger, new AuditTrail(world.Storage));
        var recoveries = new List<TimeSpan>();
        for (var restart = 0; restart < scene.Sizes.Restarts; restart++)
        {
            try
            {
                recoveries.Add(await RestartAsync(scene, world, check));
            }
            catch (Exception e)
            {
                throw new FaultsException($"{e}\n{world.Errors}");
            }

            scene.Round(scene.Sizes.Restarts);
        }

        var longest = recoveries.Max();
        ledger.Notes.Enqueue(string.Create(
            CultureInfo.InvariantCulture, $"every account served again after {recoveries.Average(r => r.TotalSeconds):F1} s on average, {longest.TotalSeconds:F1} s at most"));
        if (scene.Sizes.WithGoals && longest > LongestRecovery)
        {
            ledger.Misses.Enqueue("recovery took longer than 15 s");
        }
    }

    /// <returns>From the database's return until every account was served.</returns>
    private static async Task<TimeSpan> RestartAsync(Scene scene, VaultWorld world, RoundCheck check)
    {
        var grants = world.Callers.Grants;
        await Task.WhenAll(grants.Select(world.ExpireAsync));
        using var served = new CancellationTokenSource();
        var load = grants.Select((grant, i) => AskAsync(scene, world, grant, i, served.Token)).ToList();
        await Scene.WaitAsync(TimeSpan.FromMilliseconds(Slowness / 2) + scene.UpTo(Slowness / 2));
        await scene.Database.CrashAsync();
        await Scene.WaitAsync(scene.UpTo(2_000));
        await scene.Database.StartAgainAsync();
        var since = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(grants.Select(grant => check.SettleAsync(grant)));
        var recovery = TimeProvider.System.GetElapsedTime(since);
        await served.CancelAsync();
        await Task.WhenAll(load);
        foreach (var grant in grants)
        {
            if (!await check.FollowAsync(grant))
            {
                throw new FaultsException($"{grant} was lost\n{string.Join('\n', scene.Ledger.Avoidable)}");
            }
        }

        return recovery;
    }

    /// <summary>A caller who does not give up, beginning at some moment around the crash.</summary>
    private static async Task AskAsync(Scene scene, VaultWorld world, Grant grant, int index, CancellationToken served)
    {
        await Scene.WaitAsync(scene.UpTo(Slowness));
        for (var turn = index; !served.IsCancellationRequested; turn++)
        {
            await world.Callers.ExchangeAsync(world.Nodes[turn % world.Nodes.Count], grant);
            await Scene.WaitAsync(TimeSpan.FromMilliseconds(50));
        }
    }
}
