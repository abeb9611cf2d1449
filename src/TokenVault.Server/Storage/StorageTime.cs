namespace TokenVault.Server.Storage;

/// <summary>Instants as the engines keep them: microseconds since 1970.</summary>
internal static class StorageTime
{
    public static long ToMicroseconds(this DateTimeOffset instant) =>
        (instant.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>What is no instant, and so was not written by an engine, becomes the first or the last one: it can be read, and seen to be wrong.</summary>
    public static DateTimeOffset FromMicroseconds(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(
        Math.Clamp(microseconds, DateTimeOffset.MinValue.ToMicroseconds(), DateTimeOffset.MaxValue.ToMicroseconds()) * TimeSpan.TicksPerMicrosecond);
}
