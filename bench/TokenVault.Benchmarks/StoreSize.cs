namespace TokenVault.Benchmarks;

/// <summary>How much is in a store, and how many requests of the kinds that are good for one use.</summary>
/// <param name="Tokensets">How many users have one each.</param>
internal sealed record StoreSize(int Tokensets)
{
    /// <summary>Of the privileged worker.</summary>
    public int WorkerRequests { get; init; }

    /// <summary>Of users whom no other request names.</summary>
    public int FirstUses { get; init; }

    /// <summary>Of users whom no other request names, by access token.</summary>
    public int FirstAccesses { get; init; }

    /// <summary>Of other such users, whose access token has ended.</summary>
    public int Refreshes { get; init; }

    /// <summary>Where the provider refreshes.</summary>
    public string TokenUrl { get; init; } = "https://provider.example/token";
}
