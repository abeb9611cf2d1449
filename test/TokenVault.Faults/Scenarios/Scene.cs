using TokenVault.Faults.Checks;
using TokenVault.Faults.Nodes;
using TokenVault.Faults.World;
using TokenVault.Testing;

namespace TokenVault.Faults.Scenarios;

/// <summary>What every scenario has.</summary>
internal sealed class Scene(PostgresServer database, Keeper keeper, Sizes sizes, Ledger ledger)
{
    public PostgresServer Database { get; } = database;

    public Keeper Keeper { get; } = keeper;

    public Sizes Sizes { get; } = sizes;

    public Ledger Ledger { get; } = ledger;

    public Random Random { get; } = new(sizes.Seed);

    public async Task<VaultWorld> WorldAsync(WorldPlan plan, Func<int, string?>? dataRoot = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await VaultWorld.StartAsync(Database, Keeper, plan, dataRoot);
            }
            catch (FaultsException e) when (attempt < 3 && dataRoot is null && e.Message.Contains("address already in use", StringComparison.Ordinal))
            {
                // Somebody else took the free port first.
            }
        }
    }

    /// <summary>A random time, evenly spread.</summary>
    public TimeSpan UpTo(int milliseconds)
    {
        lock (Random)
        {
            return TimeSpan.FromMilliseconds(Random.NextDouble() * milliseconds);
        }
    }

    /// <summary>One more round is done; a long run tells now and then.</summary>
    public void Round(int of)
    {
        var done = Ledger.Round();
        if (of >= 50 && done % Math.Max(1, of / 10) == 0)
        {
            Console.WriteLine($"   {Ledger.Scenario}: {done} of {of}");
        }
    }

    public static Task WaitAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System);
}
