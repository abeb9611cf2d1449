namespace TokenVault.Benchmarks.Scaling;

/// <summary>What one simulated deployment did. Shares are from 0 to 1, times in seconds.</summary>
internal sealed record Outcome
{
    public required double PerSecond { get; init; }

    public required double RefreshesPerSecond { get; init; }

    /// <summary>Of exchanges without a refresh.</summary>
    public required double P50 { get; init; }

    public required double P99 { get; init; }

    public required double RefreshP99 { get; init; }

    public required double Remembered { get; init; }

    public required double CommitsPerSecond { get; init; }

    /// <summary>The most that one server used at once.</summary>
    public required int Connections { get; init; }

    public required double NodeCpu { get; init; }

    public required double DatabaseCpu { get; init; }

    /// <summary>How much of the time some commit with a NOTIFY is at its flush.</summary>
    public required double Notifying { get; init; }

    /// <summary>Of the places at the provider.</summary>
    public required double Gate { get; init; }

    /// <summary>How much of the time the audit log's chain is being lengthened.</summary>
    public required double Chain { get; init; }

    /// <summary>What is the closest to its end.</summary>
    public (string Name, double Share) Tightest => new[]
    {
        ("servers' CPU", NodeCpu), ("database CPU", DatabaseCpu), ("commits with NOTIFY", Notifying), ("places at the provider", Gate), ("the log's chain", Chain),
    }.MaxBy(one => one.Item2);
}
