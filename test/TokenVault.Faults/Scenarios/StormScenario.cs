using System.Globalization;
using TokenVault.Faults.Checks;
using TokenVault.Faults.World;

namespace TokenVault.Faults.Scenarios;

/// <summary>Everybody wants the same expired tokenset at once, at every node: one call of the provider, and its answer for all (F-06).</summary>
internal static class StormScenario
{
    public static async Task RunAsync(Scene scene)
    {
        var (sizes, ledger) = (scene.Sizes, scene.Ledger);
        await using var world = await scene.WorldAsync(new WorldPlan(Nodes: 3, Users: 1, Factor: 1));
        var audit = new AuditTrail(world.Storage);
        var check = new RoundCheck(world, ledger, audit);
        foreach (var provider in world.Providers)
        {
            provider.Fake.Refreshes.At = (_, _, _) => Scene.WaitAsync(scene.UpTo(20));
        }

        var handed = 0;
        for (var round = 0; round < sizes.StormRounds; round++)
        {
            var grant = world.Callers.Grants[round % world.Callers.Grants.Count];
            await world.ExpireAsync(grant);
            var callers = world.Nodes.SelectMany(node => Enumerable.Range(0, sizes.CallersPerNode).Select(_ => world.Callers.ExchangeAsync(node, grant)));
            var outcomes = await Task.WhenAll(callers.ToList());
            handed += outcomes.Length;
            if (outcomes.FirstOrDefault(outcome => outcome.Kind != ExchangeKind.Token) is { } without)
            {
                ledger.Misses.Enqueue($"round {round}: a caller of {grant} got no token: {without.Text}\n{world.Errors}");
            }

            if (grant.Given.Distinct().Count() != 1)
            {
                ledger.Misses.Enqueue($"callers of {grant} got different tokens");
            }

            await check.FollowAsync(grant);
            scene.Round(sizes.StormRounds);
        }

        foreach (var window in CrashWindows.Measure(world, world.Callers.Grants))
        {
            ledger.Window(window);
        }

        if (ledger.Refreshes != sizes.StormRounds || ledger.Duplicates != 0)
        {
            ledger.Misses.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{ledger.Refreshes} refreshes for {sizes.StormRounds} expiries"));
        }

        ledger.Notes.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{handed} exchanges by {sizes.CallersPerNode} callers at each of 3 nodes"));
    }
}
