namespace TokenVault.Benchmarks.Scaling;

/// <summary>How users use the vault. What is assumed here is printed beside the results.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Pause">Seconds between two exchanges of an active user.</param>
internal sealed record Workload(string Name, double Pause)
{
    /// <summary>Seconds for which a provider's access token of an hour is handed out: it is refreshed five minutes before its end.</summary>
    public const double TokenLifetime = 3300;

    public static Workload Busy { get; } = new("busy: each user every 5 s", 5);

    public static Workload Occasional { get; } = new("occasional: each user every minute", 60);

    /// <summary>Zipf's exponent: how much more often some users come than others; 0: all the same.</summary>
    public double Skew { get; init; }

    /// <summary>The first exchange after the token's end refreshes it.</summary>
    public double RefreshShare => 1 / ((TokenLifetime / Pause) + 1);

    public double Users(double perSecond) => perSecond * Pause;
}

/// <summary>What is set up, and for whom.</summary>
/// <param name="Nodes">Servers, all deployments together.</param>
internal sealed record Scenario(int Nodes, Workload Workload)
{
    public string Note { get; init; } = "";

    /// <summary>Vaults with a database each, among which users are divided by a hash.</summary>
    public int Deployments { get; init; } = 1;

    public int NodeProcessors { get; init; } = 2;

    public int DatabaseProcessors { get; init; } = 4;

    /// <summary>Seconds from a server to the database, or back, and through both their network stacks.</summary>
    public double Journey { get; init; } = 0.25e-3;

    /// <summary>Seconds of a flush; null: as measured.</summary>
    public double? Flush { get; init; }

    /// <summary>Seconds of CPU that a server needs to hear of a change.</summary>
    public double Notice { get; init; } = 10e-6;

    /// <summary>Seconds of CPU for each audit row that the chain takes in, of the server and of the database twice: read and written.</summary>
    public double ChainedRow { get; init; } = 3e-6;

    /// <summary>Seconds that the provider needs on average.</summary>
    public double Provider { get; init; } = 0.3;
}
