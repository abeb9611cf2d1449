using System.Globalization;

namespace TokenVault.Benchmarks;

/// <summary>What the measured ratios are held against.</summary>
internal static class Goals
{
    private static readonly string[] Engines = ["SQLite", "PostgreSQL"];

    /// <summary>Name, goal and what was seen.</summary>
    public static IEnumerable<(string Measure, string Goal, string Seen, bool Met)> Judge(Results results, SuiteSize size)
    {
        var (few, many) = (size.Tokensets[0], size.Tokensets[^1]);
        double Rate(string server, string kind) => results[server, kind].Load.PerSecond;
        var sqlite = results[Suite.Store("SQLite", few), "access token"];

        yield return AtLeast("access token on SQLite ÷ floor", 0.5, sqlite.OfFloor, "F3");
        var engines = Engines.Where(engine => results.Rows.Any(row => row.Server == Suite.Store(engine, many))).ToList();
        if (engines.Contains("PostgreSQL"))
        {
            yield return AtLeast("access token on PostgreSQL ÷ floor", 0.3, results[Suite.Store("PostgreSQL", few), "access token"].OfFloor, "F3");
        }

        yield return AtLeast("refresh token on SQLite, requests/s", 10_000, Rate(Suite.Store("SQLite", few), "refresh token"), "N0");
        yield return AtLeast("access token on SQLite ÷ oidc-provider", 2, sqlite.OfFloor / results[Suite.PeerName, "access token"].OfFloor, "F1");
        foreach (var engine in engines)
        {
            yield return AtMost($"CPU per request, {Number(many)} ÷ {Number(few)} tokensets, access token, {engine}", 1.15, Growth(results, engine, size, "access token").Ratio, "F2");
        }

        var ours = results.Rows.Where(row => row.Server is not (Suite.FloorName or Suite.PeerName)).ToList();
        yield return AtMost("p99 ÷ p50, access token on SQLite", 5, sqlite.Load.P99 / sqlite.Load.P50, "F1");
        var forms = ours.Where(row => Suite.Forms.Any(form => form.Name == row.Request));
        yield return AtMost("resident memory after the three forms of exchange, MB, the most of all stores", 200, forms.Max(row => row.ResidentBytes) / 1e6, "N0");
        var starts = engines.Select(engine => results.StartTimes[Suite.Store(engine, many)].TotalSeconds);
        yield return AtMost($"start to the first answer, {Number(many)} tokensets, s, the slower engine", 1.5, starts.Max(), "F2");
    }

    /// <summary>The CPU per request of the largest store ÷ that of the smallest: over all turns, and the least, the median and the most of any round.</summary>
    public static (double Ratio, double Least, double Median, double Most) Growth(Results results, string engine, SuiteSize size, string kind)
    {
        var (small, large) = (results[Suite.Store(engine, size.Tokensets[0]), kind], results[Suite.Store(engine, size.Tokensets[^1]), kind]);
        var rounds = large.TurnCpu.Zip(small.TurnCpu, (many, few) => many / few).Order().ToList();
        return (large.Cpu / small.Cpu, rounds[0], (rounds[(rounds.Count - 1) / 2] + rounds[rounds.Count / 2]) / 2, rounds[^1]);
    }

    private static string Number(int count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static (string Measure, string Goal, string Seen, bool Met) AtLeast(string measure, double goal, double seen, string format) =>
        (measure, "≥ " + goal.ToString("N" + (goal < 1 ? "1" : "0"), CultureInfo.InvariantCulture), seen.ToString(format, CultureInfo.InvariantCulture), seen >= goal);

    private static (string Measure, string Goal, string Seen, bool Met) AtMost(string measure, double goal, double seen, string format) =>
        (measure, "≤ " + goal.ToString("G4", CultureInfo.InvariantCulture), seen.ToString(format, CultureInfo.InvariantCulture), seen <= goal);
}
