using System.Collections.Concurrent;
using System.Globalization;
using TokenVault.Faults.Nodes;

namespace TokenVault.Faults.Checks;

/// <summary>What a scenario counts.</summary>
internal sealed class Ledger(string scenario)
{
    private readonly ConcurrentQueue<double> _windows = new();
    private int _rounds;
    private int _grants;
    private int _refreshes;
    private int _duplicates;
    private int _irreducible;

    public string Scenario { get; } = scenario;

    /// <summary>Rounds, kills, pauses or restarts: what the scenario is sized by.</summary>
    public int Rounds => _rounds;

    /// <summary>Expired tokensets that were followed to their end.</summary>
    public int Grants => _grants;

    /// <summary>Calls that the providers got.</summary>
    public int Refreshes => _refreshes;

    /// <summary>Calls that were made although the one before had an answer, or could still have one.</summary>
    public int Duplicates => _duplicates;

    /// <summary>Grants lost although they need not have been.</summary>
    public ConcurrentQueue<string> Avoidable { get; } = new();

    /// <summary>Grants whose new tokens existed at the provider and in a process that was killed, and nowhere else.</summary>
    public int Irreducible => _irreducible;

    /// <summary>Invariants broken, each named by its number in the specification.</summary>
    public ConcurrentQueue<string> Violations { get; } = new();

    /// <summary>Goals of the scenario itself that were missed.</summary>
    public ConcurrentQueue<string> Misses { get; } = new();

    /// <summary>Figures of the scenario itself.</summary>
    public ConcurrentQueue<string> Notes { get; } = new();

    /// <summary>Why it could not run here.</summary>
    public string? Skipped { get; set; }

    public bool Failed => Skipped is null && (!Avoidable.IsEmpty || !Violations.IsEmpty || !Misses.IsEmpty || Rounds == 0);

    public int Windows => _windows.Count;

    public int Round() => Interlocked.Increment(ref _rounds);

    public void Followed(int refreshes, int duplicates)
    {
        Interlocked.Increment(ref _grants);
        Interlocked.Add(ref _refreshes, refreshes);
        Interlocked.Add(ref _duplicates, duplicates);
    }

    public void LostIrreducibly() => Interlocked.Increment(ref _irreducible);

    /// <summary>How often each point was reached; one that never was in many rounds has not been tried, and the scenario did not do its work.</summary>
    public void Reached(IReadOnlyDictionary<FaultPoint, int> hits)
    {
        var points = Enum.GetValues<FaultPoint>();
        foreach (var point in points.Where(point => Rounds > 4 * points.Length && point != FaultPoint.Anywhere && hits.GetValueOrDefault(point) == 0))
        {
            Misses.Enqueue($"no process was at the point {point}");
        }

        Notes.Enqueue("reached: " + string.Join(", ", hits.OrderBy(hit => hit.Key).Select(hit => string.Create(CultureInfo.InvariantCulture, $"{hit.Key} {hit.Value}"))));
    }

    public void Window(double milliseconds) => _windows.Enqueue(milliseconds);

    /// <summary>Of the crash window, in milliseconds; null without any.</summary>
    public double? Percentile(double percent)
    {
        var sorted = _windows.Order().ToList();
        return sorted.Count == 0 ? null : sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * percent / 100))];
    }
}
