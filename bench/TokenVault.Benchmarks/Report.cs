using System.Text;

namespace TokenVault.Benchmarks;

/// <summary>What was measured, as Markdown, and as a chart.</summary>
internal static class Report
{
    private const int Bar = 22;
    private const int Left = 330;
    private const int Width = 980;

    public static string Table(Results results, SuiteSize size)
    {
        var text = new StringBuilder();
        Line(text, $"| server | request | requests/s | floor/s | ÷ floor | p50 ms | p99 ms | server CPU µs | floor CPU µs | database CPU µs | commits | WAL KB | RSS MB | under load | warm-up s |");
        Line(text, $"|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var row in results.ByServer)
        {
            var database = row.Database is { } used
                ? FormattableString.Invariant($"{used.Cpu.TotalMicroseconds:F0} | {used.Commits:F2} | {used.WalBytes / 1e3:F1}")
                : "– | – | –";
            Line(text, $"| {row.Server} | {row.Request} | {row.Load.PerSecond:N0} | {row.Floor.PerSecond:N0} | {row.OfFloor:F2} | {row.Load.P50:F2} | {row.Load.P99:F2} | {row.Cpu.TotalMicroseconds:F0} | {row.FloorCpu.TotalMicroseconds:F0} | {database} | {row.ResidentBytes / 1e6:N0} | {row.LoadedBytes / 1e6:N0} | {row.WarmUp.TotalSeconds:F0} |");
        }

        text.Append('\n');
        Line(text, $"| measure | goal | seen | |");
        Line(text, $"|---|---:|---:|---|");
        foreach (var (measure, goal, seen, met) in Goals.Judge(results, size))
        {
            Line(text, $"| {measure} | {goal} | {seen} | {(met ? "met" : "missed")} |");
        }

        text.Append('\n');
        results.Notes.ForEach(note => Line(text, $"- {note}"));
        return text.ToString();
    }

    /// <summary>Requests per second, a bar each.</summary>
    public static string Chart(Results results)
    {
        var rows = results.ByServer;
        var most = rows.Max(row => row.Load.PerSecond);
        var height = (rows.Count * (Bar + 8)) + 50;
        var svg = new StringBuilder();
        Line(svg, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" font-family="sans-serif" font-size="13" role="img">""");
        Line(svg, $"<title>Exchanges per second</title>");
        Line(svg, $"""<rect width="{Width}" height="{height}" fill="#fff"/>""");
        Line(svg, $"""<text x="16" y="24" font-size="15" fill="#111">Exchanges per second, server and load generator on {Environment.ProcessorCount} processors</text>""");
        for (var i = 0; i < rows.Count; i++)
        {
            var (row, y) = (rows[i], 42 + (i * (Bar + 8)));
            var width = Math.Max(1, row.Load.PerSecond / most * (Width - Left - 90));
            var colour = row.Server is Suite.FloorName or Suite.PeerName ? "#8a8f98" : row.Server.StartsWith("SQLite", StringComparison.Ordinal) ? "#2563eb" : "#0f766e";
            Line(svg, $"""<text x="{Left - 8}" y="{y + 15}" text-anchor="end" fill="#111">{row.Server}: {row.Request}</text>""");
            Line(svg, $"""<rect x="{Left}" y="{y}" width="{width:F0}" height="{Bar}" fill="{colour}"/>""");
            Line(svg, $"""<text x="{Left + width + 6:F0}" y="{y + 15}" fill="#111">{row.Load.PerSecond:N0}</text>""");
        }

        svg.Append("</svg>\n");
        return svg.ToString();
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(FormattableString.Invariant(line)).Append('\n');
}
