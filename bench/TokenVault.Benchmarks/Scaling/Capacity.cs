using TokenVault.Server;

namespace TokenVault.Benchmarks.Scaling;

/// <summary>How much a set-up carries: the most exchanges per second with which it keeps to the limits.</summary>
internal static class Capacity
{
    /// <summary>In seconds, of exchanges without a refresh.</summary>
    public const double MostP99 = 0.05;

    /// <summary>In seconds, of exchanges with a refresh.</summary>
    public const double MostRefreshP99 = 1;

    /// <summary>Of anything that queues: beyond it, a little more load is much more waiting.</summary>
    public const double MostShare = 0.9;

    private const int Steps = 8;

    public static Outcome Find(Scenario scenario, Model model)
    {
        var rememberedUsers = new TokenVaultOptions().Storage.RememberedRows;
        var deployments = scenario.Deployments;
        var nodes = scenario.Nodes / deployments;
        var high = Math.Min(nodes * scenario.NodeProcessors / model.Exchange, scenario.DatabaseProcessors / Math.Max(1e-6, model.DatabaseRow));
        var low = high / 500;
        Outcome? best = null;
        for (var i = 0; i < Steps; i++)
        {
            var middle = Math.Sqrt(low * high);
            var remembered = HitRatio.Of(scenario.Workload.Users(middle), rememberedUsers, scenario.Workload.Skew);
            var outcome = new Cluster(scenario, model).Run(scenario, middle, remembered * (1 - scenario.Workload.RefreshShare));
            if (IsCarried(outcome, middle))
            {
                (best, low) = (outcome, middle);
            }
            else
            {
                high = middle;
            }
        }

        return best ?? throw new InvalidOperationException("This set-up carries nothing.");
    }

    private static bool IsCarried(Outcome outcome, double asked) =>
        outcome.P99 <= MostP99 && outcome.RefreshP99 <= MostRefreshP99 && outcome.Tightest.Share <= MostShare && outcome.PerSecond >= asked * 0.95;
}
