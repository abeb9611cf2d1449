namespace TokenVault.Benchmarks.Scaling;

/// <summary>The steps of an exchange and what each of them takes, in seconds; derived from what was measured.</summary>
internal sealed record Model
{
    private const double Micro = 1e-6;

    /// <summary>What a server needs to answer from memory, without its share of the commit.</summary>
    public required double Exchange { get; init; }

    /// <summary>What a server needs for a commit of audit rows, however many.</summary>
    public required double Group { get; init; }

    /// <summary>What the database needs for a commit, and for each row in it.</summary>
    public required double DatabaseGroup { get; init; }

    public required double DatabaseRow { get; init; }

    /// <summary>Until the log is on the disk.</summary>
    public required double Flush { get; init; }

    /// <summary>What a server and the database need more when nothing is remembered.</summary>
    public required double FirstUse { get; init; }

    public required double DatabaseFirstUse { get; init; }

    /// <summary>What a server and the database need more for a refresh: claim and landing together.</summary>
    public required double Refresh { get; init; }

    public required double DatabaseRefresh { get; init; }

    /// <summary>
    /// An exchange alone has a commit of its own, one under load shares it: the two tell the cost of a commit from that of a row. What is left
    /// of the time of the one alone, when all CPU is taken off, is the wait for the disk. A first use and a refresh are compared with what
    /// differs in that alone.
    /// </summary>
    public static Model From(Costs costs)
    {
        var shared = Math.Min(costs["exchange_commits"], 0.9);
        double PerCommit(string what) => Math.Max(0, (costs["alone_" + what] - costs["exchange_" + what]) / (1 - shared)) * Micro;
        double More(string kind, string than, string what) => Math.Max(0, costs[$"{kind}_{what}"] - costs[$"{than}_{what}"]) * Micro;
        var group = PerCommit("server_cpu_us");
        var databaseGroup = PerCommit("database_cpu_us");
        return new Model
        {
            Exchange = Math.Max(0, (costs["exchange_server_cpu_us"] * Micro) - (shared * group)),
            Group = group,
            DatabaseGroup = databaseGroup,
            DatabaseRow = Math.Max(0, (costs["exchange_database_cpu_us"] * Micro) - (shared * databaseGroup)),
            Flush = Math.Max(0.05e-3, (costs["alone_p50_ms"] / 1e3) - ((costs["alone_server_cpu_us"] + costs["alone_database_cpu_us"] + costs["alone_rest_cpu_us"]) * Micro)),
            FirstUse = More("first_use", "remembered", "server_cpu_us"),
            DatabaseFirstUse = More("first_use", "remembered", "database_cpu_us"),
            Refresh = More("refresh", "first_use", "server_cpu_us"),
            DatabaseRefresh = More("refresh", "first_use", "database_cpu_us"),
        };
    }
}
