using System.Globalization;
using TokenVault.Faults.Checks;
using TokenVault.Faults.Nodes;
using TokenVault.Faults.Scenarios;
using TokenVault.Testing;

namespace TokenVault.Faults;

/// <summary>Runs scenarios one after another and prints what they found.</summary>
internal static class Harness
{
    private const string Usage = "usage: faults [short | full] [rounds=N] [seed=N] [storm kill pause database provider disk]";

    private static readonly (string Name, Func<Scene, Task> RunAsync, TimeSpan Short, TimeSpan Full)[] Scenarios =
    [
        ("storm", StormScenario.RunAsync, Minutes(4), Minutes(15)),
        ("kill", KillScenario.RunAsync, Minutes(4), Minutes(45)),
        ("pause", PauseScenario.RunAsync, Minutes(4), Minutes(30)),
        ("database", DatabaseScenario.RunAsync, Minutes(4), Minutes(20)),
        ("provider", ProviderScenario.RunAsync, Minutes(4), Minutes(20)),
        ("disk", DiskScenario.RunAsync, Minutes(4), Minutes(10)),
    ];

    public static async Task<int> RunAsync(string[] args)
    {
        if (!TryRead(args, out var sizes, out var names))
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        if (!OperatingSystem.IsLinux() || PostgresServer.Problem is not null)
        {
            var reason = OperatingSystem.IsLinux() ? PostgresServer.Problem! : "The fault harness needs Linux: it finds and stops processes by /proc and signals.";
            Console.WriteLine($"SKIPPED faults. {reason}");
            await CountAsync(0, [], names.Count);
            return 0;
        }

        var chosen = Scenarios.Where(scenario => names.Contains(scenario.Name)).Select(scenario => (Scenario: scenario, Ledger: new Ledger(scenario.Name))).ToList();

        // Most of a scenario is waiting; but where times are judged, nothing else runs.
        var side = new ParallelOptions { MaxDegreeOfParallelism = sizes.WithGoals ? 1 : 2 };
        await Parallel.ForEachAsync(chosen, side, async (one, _) =>
        {
            var since = TimeProvider.System.GetTimestamp();
            await RunOneAsync(one.Scenario.RunAsync, sizes, one.Ledger, sizes.WithGoals ? one.Scenario.Full : one.Scenario.Short);
            Table.PrintDetails(one.Ledger, TimeProvider.System.GetElapsedTime(since));
        });
        var ledgers = chosen.Select(one => one.Ledger).ToList();
        Table.Print(ledgers, sizes);
        var failed = ledgers.Where(ledger => ledger.Failed).Select(ledger => ledger.Scenario).ToList();
        var skipped = ledgers.Count(ledger => ledger.Skipped is not null);
        await CountAsync(ledgers.Count - failed.Count - skipped, failed, skipped);
        return failed.Count == 0 ? 0 : 1;
    }

    /// <summary>A scenario that does not end in its time has failed; whatever it started goes with its keeper.</summary>
    private static async Task RunOneAsync(Func<Scene, Task> runAsync, Sizes sizes, Ledger ledger, TimeSpan limit)
    {
        try
        {
            await using var keeper = new Keeper();
            await using var database = await PostgresServer.StartAsync();
            await runAsync(new Scene(database, keeper, sizes, ledger)).WaitAsync(limit, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            ledger.Misses.Enqueue($"not done after {limit.TotalMinutes} min");
        }
        catch (Exception e)
        {
            ledger.Misses.Enqueue(e.ToString());
        }
    }

    private static TimeSpan Minutes(double minutes) => TimeSpan.FromMinutes(minutes);

    private static bool TryRead(string[] args, out Sizes sizes, out IReadOnlyList<string> names)
    {
        sizes = args.Contains("full") ? Sizes.Full : Sizes.Short;
        var chosen = new List<string>();
        foreach (var arg in args.Where(arg => arg is not ("full" or "short")))
        {
            switch (arg.Split('='))
            {
                case ["rounds", var rounds]:
                    sizes = sizes.WithRounds(rounds);
                    break;
                case ["seed", var seed]:
                    sizes = sizes with { Seed = int.Parse(seed, CultureInfo.InvariantCulture) };
                    break;
                case [var name] when Scenarios.Any(scenario => scenario.Name == name):
                    chosen.Add(name);
                    break;
                default:
                    names = [];
                    return false;
            }
        }

        names = chosen.Count > 0 ? chosen : [.. Scenarios.Select(scenario => scenario.Name)];
        return true;
    }

    /// <summary>For eng/test, which adds them to its own.</summary>
    private static async Task CountAsync(int passed, List<string> failed, int skipped)
    {
        if (Environment.GetEnvironmentVariable("TOKENVAULT_TEST_COUNTS") is { Length: > 0 } file)
        {
            await File.WriteAllLinesAsync(
                file, [string.Create(CultureInfo.InvariantCulture, $"{passed} {failed.Count} {skipped}"), .. failed.Select(name => $"make faults: {name}")]);
        }
    }
}
