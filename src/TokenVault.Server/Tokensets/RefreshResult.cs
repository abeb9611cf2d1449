using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>What a refresh came to. Whether a tokenset that is there is fresh is for the caller to see.</summary>
internal sealed record RefreshResult
{
    /// <summary>The row as it stands; null when there is none, or the provider is away.</summary>
    public Tokenset? Tokenset { get; private init; }

    /// <summary>The provider is away: for the log.</summary>
    public string? Outage { get; private init; }

    public TimeSpan? RetryAfter { get; private init; }

    public CorruptRecordException? Corruption { get; private init; }

    public static RefreshResult Of(Tokenset tokenset) => new() { Tokenset = tokenset };

    public static RefreshResult Gone() => new();

    public static RefreshResult Unavailable(string detail, TimeSpan? retryAfter) => new() { Outage = detail, RetryAfter = retryAfter };

    public static RefreshResult Corrupt(CorruptRecordException corruption) => new() { Corruption = corruption };
}
