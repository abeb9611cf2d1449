using System.Text;
using static System.FormattableString;

namespace TokenVault.Benchmarks.Scaling;

/// <summary>What 1, 5 and 50 servers carry, by simulation from measured costs; and how near the simulation comes to what was measured.</summary>
internal static class Scale
{
    private static readonly Scenario[] Scenarios =
    [
        .. from nodes in (int[])[1, 5, 50]
           from workload in (Workload[])[Workload.Busy, Workload.Occasional]
           select new Scenario(nodes, workload),
        new(5, Workload.Occasional with { Skew = 1 }) { Note = "some users come far more often (Zipf 1)" },
        new(5, Workload.Occasional) { Note = "flush 2 ms (synchronous standby)", Flush = 2e-3 },
        new(50, Workload.Busy) { Note = "database with 16 processors", DatabaseProcessors = 16 },
        new(50, Workload.Occasional) { Note = "database with 16 processors", DatabaseProcessors = 16 },
        new(50, Workload.Busy) { Note = "5 vaults by user, a database each", Deployments = 5 },
        new(50, Workload.Occasional) { Note = "5 vaults by user, a database each", Deployments = 5 },
    ];

    /// <summary>The results as Markdown.</summary>
    public static string Run(Costs costs)
    {
        var model = Model.From(costs);
        var text = new StringBuilder();
        Line(text, $"Simulated from `{Costs.FileName}`, which `{costs.Command}` printed on {costs.MeasuredOn}, on a machine with {costs.Processors} processors.\n");
        Line(text, $"## What is carried\n");
        AddCapacity(text, model, costs);
        Line(text, $"\n## The simulation against the measurement\n");
        AddCheck(text, model, costs);
        Line(text, $"\n## What is stored\n");
        AddStorage(text, costs);
        Line(text, $"\n## What goes in\n");
        AddInputs(text, model, costs);
        return text.ToString();
    }

    private static void AddCapacity(StringBuilder text, Model model, Costs costs)
    {
        Line(text, $"| servers | users | | exchanges/s | refreshes/s | active users | remembered | p50 ms | p99 ms | servers' CPU | database CPU | commits/s | commits with NOTIFY | places at the provider | log's chain | connections used | first limit |");
        Line(text, $"|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|");
        foreach (var scenario in Scenarios)
        {
            var outcome = Capacity.Find(scenario, model);
            var times = scenario.Deployments;
            var rate = outcome.PerSecond * times;
            Line(text, $"| {scenario.Nodes} | {scenario.Workload.Name} | {scenario.Note} | {Round(rate)} | {Round(outcome.RefreshesPerSecond * times)} | {Round(scenario.Workload.Users(rate))} | {outcome.Remembered:P0} | {outcome.P50 * 1e3:F1} | {outcome.P99 * 1e3:F1} | {outcome.NodeCpu:P0} | {outcome.DatabaseCpu:P0} | {Round(outcome.CommitsPerSecond * times)} | {outcome.Notifying:P0} | {outcome.Gate:P0} | {outcome.Chain:P0} | {outcome.Connections * scenario.Nodes:N0} | {outcome.Tightest.Name} |");
        }

        Line(text, $"\nCarried means: p99 at most {Capacity.MostP99 * 1e3:F0} ms without a refresh and {Capacity.MostRefreshP99 * 1e3:F0} ms with one, and nothing that queues busy for more than {Capacity.MostShare:P0} of the time. \"Commits with NOTIFY\" is the share of the time in which the one lock that they all need is held, \"log's chain\" the share in which some server lengthens it. Connections: the most that were used at once in one server, times the servers; each server holds one more to listen.");
    }

    private static void AddCheck(StringBuilder text, Model model, Costs costs)
    {
        Line(text, $"One server, its database and the load generator on {costs.Processors} shared processors, as in the suite:\n");
        Line(text, $"| | measured/s | simulated/s | difference |");
        Line(text, $"|---|---:|---:|---:|");
        foreach (var (name, kind, callers, remembered, refresh) in (IEnumerable<(string, string, int, bool, bool)>)
            [("exchange of a remembered token", "exchange", Wrk.Connections, true, false), ("the same, one at a time", "alone", 1, true, false), ("exchange with a refresh", "refresh", Wrk.Connections, false, true)])
        {
            var cluster = new Cluster(new Scenario(1, Workload.Busy), model, costs.Processors);
            var simulated = cluster.RunClosed(callers, Math.Max(0, costs[kind + "_rest_cpu_us"]) * 1e-6, remembered, refresh).PerSecond;
            var measured = costs[kind + "_per_second"];
            Line(text, $"| {name} | {measured:N0} | {simulated:N0} | {(simulated - measured) / measured:+0%;-0%;0%} |");
        }

        Line(text, $"\nThe costs come from the same run, so this checks the model's structure (queues, groups, locks), and not the costs themselves.");
    }

    private static void AddStorage(StringBuilder text, Costs costs)
    {
        const double Day = 86_400;
        const double Giga = 1e9;
        Line(text, $"| tokensets, one a user | on disk GB | of which indexes GB |");
        Line(text, $"|---:|---:|---:|");
        foreach (var tokensets in (double[])[1e6, 1e7, 1e8])
        {
            Line(text, $"| {tokensets:N0} | {Round(tokensets * costs["tokenset_bytes"] / Giga)} | {Round(tokensets * costs["tokenset_index_bytes"] / Giga)} |");
        }

        Line(text, $"\n| a second, all day | exchanges: audit log GB/day | WAL GB/day | refreshes: receipts kept GB, without keys | WAL GB/day |");
        Line(text, $"|---:|---:|---:|---:|---:|");
        foreach (var rate in (double[])[100, 1_000, 10_000])
        {
            Line(text, $"| {rate:N0} | {Round(rate * Day * costs["audit_row_bytes"] / Giga)} | {Round(rate * Day * costs["exchange_wal_bytes"] / Giga)} | {Round(rate * Day * costs["receipt_body_bytes"] / Giga)} | {Round(rate * Day * costs["refresh_wal_bytes"] / Giga)} |");
        }
    }

    private static void AddInputs(StringBuilder text, Model model, Costs costs)
    {
        var assumed = new Scenario(1, Workload.Busy);
        Line(text, $"| derived from the measurement | µs |");
        Line(text, $"|---|---:|");
        foreach (var (name, seconds) in (IEnumerable<(string, double)>)
            [
                ("server: an exchange from memory", model.Exchange), ("server: a commit of a group", model.Group), ("server: more when nothing is remembered", model.FirstUse),
                ("server: more for a refresh", model.Refresh), ("database: a commit of a group", model.DatabaseGroup), ("database: an audit row in it, and the rows it requires", model.DatabaseRow),
                ("database: more when nothing is remembered", model.DatabaseFirstUse), ("database: more for a refresh", model.DatabaseRefresh), ("until the log is on the disk", model.Flush),
            ])
        {
            Line(text, $"| {name} | {seconds * 1e6:N0} |");
        }

        Line(text, $"\nAssumed, unless the row says otherwise: {assumed.NodeProcessors} processors a server, {assumed.DatabaseProcessors} for the database; {assumed.Journey * 1e3:F2} ms from server to database; {assumed.Notice * 1e6:F0} µs of a server's CPU for each change it hears of; {assumed.ChainedRow * 1e6:F0} µs of CPU for each audit row that the chain takes in, of the server, and of the database twice; a provider that answers in {assumed.Provider * 0.5e3:F0} to {assumed.Provider * 1.5e3:F0} ms, one connection for all users, access tokens that are handed out for {Workload.TokenLifetime / 60:F0} minutes; all users come alike, and any server may get any request.\n");
        Line(text, $"| measured | | |");
        Line(text, $"|---|---:|---|");
        foreach (var (name, figure) in costs.Figures)
        {
            Line(text, $"| {name} | {figure.Value:N2} | {figure.Of} |");
        }
    }

    /// <summary>To two digits: more would say more than a simulation knows.</summary>
    private static string Round(double value)
    {
        var unit = Math.Pow(10, Math.Max(0, Math.Floor(Math.Log10(Math.Max(1, value))) - 1));
        return Invariant($"{Math.Round(value / unit) * unit:N0}");
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(Invariant(line)).Append('\n');
}
