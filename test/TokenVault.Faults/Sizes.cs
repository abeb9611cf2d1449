using System.Globalization;

namespace TokenVault.Faults;

/// <summary>How much each scenario does.</summary>
internal sealed record Sizes
{
    public static Sizes Full { get; } = new()
    {
        StormRounds = 200,
        CallersPerNode = 200,
        Kills = 500,
        Pauses = 100,
        Restarts = 20,
        Users = 16,
        ProviderRounds = 3,
        DiskRounds = 3,
        WithGoals = true,
    };

    public static Sizes Short { get; } = new()
    {
        StormRounds = 6,
        CallersPerNode = 30,
        Kills = 8,
        Pauses = 8,
        Restarts = 2,
        Users = 2,
        ProviderRounds = 1,
        DiskRounds = 1,
    };

    public required int StormRounds { get; init; }

    public required int CallersPerNode { get; init; }

    public required int Kills { get; init; }

    public required int Pauses { get; init; }

    public required int Restarts { get; init; }

    /// <summary>Users with an account at each provider, where many are needed.</summary>
    public required int Users { get; init; }

    public required int ProviderRounds { get; init; }

    public required int DiskRounds { get; init; }

    /// <summary>Figures of time are goals, too: for a machine that has nothing else to do.</summary>
    public bool WithGoals { get; init; }

    /// <summary>Of the random choices; printed, so that they can be made again.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The same with one number of rounds, kills, pauses or restarts for all.</summary>
    public Sizes WithRounds(string rounds)
    {
        var count = int.Parse(rounds, CultureInfo.InvariantCulture);
        return this with
        {
            StormRounds = count,
            Kills = count,
            Pauses = count,
            Restarts = count,
            ProviderRounds = count,
            DiskRounds = count,
        };
    }
}
