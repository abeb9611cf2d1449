using TokenVault.Faults.Checks;
using TokenVault.Faults.World;

namespace TokenVault.Faults.Scenarios;

/// <summary>
/// From the last byte of a provider's answer to the durable receipt: the time in which a crash costs a single-use grant. Measured
/// from before the provider writes that byte to after the commit, in two processes by the machine's one monotonic clock.
/// </summary>
internal static class CrashWindows
{
    /// <param name="since">Of calls that began after this time.</param>
    public static IEnumerable<double> Measure(VaultWorld world, IEnumerable<Grant> grants, long since = 0)
    {
        var landed = world.Nodes.SelectMany(node => node.Landed).ToLookup(landing => landing.Tokenset, landing => landing.At);
        foreach (var grant in grants)
        {
            var calls = grant.AllCalls;
            for (var i = 0; i < calls.Count; i++)
            {
                var next = i + 1 < calls.Count ? calls[i + 1].BeganAt : long.MaxValue;
                var at = landed[grant.TokensetId].Where(at => at > calls[i].SentAt).DefaultIfEmpty().Min();
                if (calls[i].BeganAt > since && calls[i].SentAt != 0 && at != 0 && at < next)
                {
                    yield return TimeProvider.System.GetElapsedTime(calls[i].SentAt, at).TotalMilliseconds;
                }
            }
        }
    }

    /// <summary>Refreshes at nodes that have been running for a while, as nodes do; one at a time at each.</summary>
    public static async Task MeasureSteadyAsync(VaultWorld world, Ledger ledger, int refreshes)
    {
        var warmUp = 40 * world.Nodes.Count;
        await RefreshAsync(world, warmUp);
        var since = TimeProvider.System.GetTimestamp();
        await RefreshAsync(world, refreshes);
        foreach (var window in Measure(world, world.Callers.Grants, since))
        {
            ledger.Window(window);
        }
    }

    private static Task RefreshAsync(VaultWorld world, int refreshes)
    {
        var left = refreshes;
        return Task.WhenAll(world.Nodes.Select(async (node, lane) =>
        {
            var grants = world.Callers.Grants.Where((_, i) => i % world.Nodes.Count == lane).ToList();
            while (Interlocked.Decrement(ref left) is var turn and >= 0)
            {
                var grant = grants[turn % grants.Count];
                await world.ExpireAsync(grant);
                await world.Callers.ExchangeAsync(node, grant);
            }
        }));
    }
}
