namespace TokenVault.Benchmarks;

/// <summary>What one kind of request cost one server.</summary>
/// <param name="Server">The server, its store and how much is in it.</param>
/// <param name="Request">The kind of request.</param>
/// <param name="Floor">What the floor carried, in turns with it.</param>
internal sealed record Measured(string Server, string Request, Load Load, Load Floor)
{
    /// <summary>Of the server, for one request.</summary>
    public required TimeSpan Cpu { get; init; }

    /// <summary>The same, of each of its turns.</summary>
    public required IReadOnlyList<TimeSpan> TurnCpu { get; init; }

    /// <summary>Answers that were not as they should be, while warming up as well, and of the floor.</summary>
    public required long Wrong { get; init; }

    /// <summary>Of the floor, for one request, in the same turns: how fast the processors were meanwhile.</summary>
    public required TimeSpan FloorCpu { get; init; }

    /// <summary>Of all else that ran on the machine, for one request: the load generator, the provider of the refreshes, and what idle servers do.</summary>
    public required TimeSpan RestCpu { get; init; }

    /// <summary>Of PostgreSQL, for one request; null without.</summary>
    public required DatabaseUse? Database { get; init; }

    /// <summary>How long there were requests before.</summary>
    public required TimeSpan WarmUp { get; init; }

    /// <summary>Of resident memory, when the last requests had just been answered.</summary>
    public required long LoadedBytes { get; init; }

    /// <summary>After the run, when there have been no requests for some seconds.</summary>
    public required long ResidentBytes { get; init; }

    public double OfFloor => Load.PerSecond / Floor.PerSecond;
}

/// <summary>All of one run of the suite.</summary>
internal sealed class Results
{
    public List<Measured> Rows { get; } = [];

    /// <summary>Servers take turns; here each has its rows together.</summary>
    public IReadOnlyList<Measured> ByServer => [.. Rows.GroupBy(row => row.Server).SelectMany(rows => rows)];

    /// <summary>From the start of a vault's process to its first answer, by its store.</summary>
    public Dictionary<string, TimeSpan> StartTimes { get; } = [];

    /// <summary>In the larger store on PostgreSQL; null when there was none.</summary>
    public RowSizes? Sizes { get; set; }

    /// <summary>What is to be known beside the table, a sentence each.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>What makes the run worthless; empty when nothing does.</summary>
    public List<string> Failures { get; } = [];

    public Measured this[string server, string request] => Rows.Single(row => row.Server == server && row.Request == request);
}
