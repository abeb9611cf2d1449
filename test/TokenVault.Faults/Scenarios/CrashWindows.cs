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

    /// <summary>Refreshes at nodes that have been running for a while, as nodes do; one after another, so that no node waits for another's work.</summary>
    public static async Task MeasureSteadyAsync(VaultWorld world, Ledger ledger, int refreshes)
    {
        await RefreshAsync(world, refreshes / 5 * world.Nodes.Count);
        var since = TimeProvider.System.GetTimestamp();
        await RefreshAsync(world, refreshes);
        foreach (var window in Measure(world, world.Callers.Grants, since))
        {
            ledger.Window(window);
        }
    }

    private static async Task RefreshAsync(VaultWorld world, int refreshes)
    {
        for (var turn = 0; turn < refreshes; turn++)
        {
            var grant = world.Callers.Grants[turn % world.Callers.Grants.Count];
            await world.ExpireAsync(grant);
            await world.Callers.ExchangeAsync(world.Nodes[turn % world.Nodes.Count], grant);
        }
    }
}
