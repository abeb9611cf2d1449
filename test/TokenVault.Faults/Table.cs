using System.Globalization;
using System.Text;
using TokenVault.Faults.Checks;

namespace TokenVault.Faults;

/// <summary>What the harness prints.</summary>
internal static class Table
{
    private static readonly string[] Head =
        ["scenario", "rounds", "followed", "upstream refreshes", "duplicates", "avoidable losses", "irreducible losses", "crash window p50 / p99", "I1–I6 broken", "result"];

    /// <summary>All of one scenario in one piece: another may be running.</summary>
    public static void PrintDetails(Ledger ledger, TimeSpan elapsed)
    {
        var text = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"== {ledger.Scenario}, {elapsed.TotalSeconds:F0} s");
        foreach (var (what, lines) in ((string, IEnumerable<string>)[])
                 [("avoidable loss: ", ledger.Avoidable), ("invariant broken: ", ledger.Violations), ("goal missed: ", ledger.Misses), ("", ledger.Notes)])
        {
            foreach (var line in lines.Take(20))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"   {what}{line}");
            }
        }

        if (ledger.Skipped is { } reason)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"   SKIPPED. {reason}");
        }

        Console.Write(text);
    }

    public static void Print(IReadOnlyList<Ledger> ledgers, Sizes sizes)
    {
        var rows = ledgers.Select(Row).Prepend(Head).ToList();
        var widths = Enumerable.Range(0, Head.Length).Select(i => rows.Max(row => row[i].Length)).ToList();
        Console.WriteLine();
        foreach (var row in rows)
        {
            Console.WriteLine("| " + string.Join(" | ", row.Select((cell, i) => i == 0 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))) + " |");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nseed {sizes.Seed}; {(sizes.WithGoals ? "" : "times are shown, not judged; ")}{Environment.ProcessorCount} processors"));
    }

    private static string[] Row(Ledger ledger) =>
    [
        ledger.Scenario,
        Number(ledger.Rounds),
        Number(ledger.Grants),
        Number(ledger.Refreshes),
        Number(ledger.Duplicates),
        Number(ledger.Avoidable.Count),
        Number(ledger.Irreducible),
        ledger.Windows == 0 ? "–" : string.Create(CultureInfo.InvariantCulture, $"{ledger.Percentile(50):F1} / {ledger.Percentile(99):F1} ms of {ledger.Windows}"),
        Number(ledger.Violations.Count),
        ledger.Skipped is not null ? "skipped" : ledger.Failed ? "FAILED" : "passed",
    ];

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
