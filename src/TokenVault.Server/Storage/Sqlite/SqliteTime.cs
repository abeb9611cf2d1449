namespace TokenVault.Server.Storage.Sqlite;

/// <summary>Instants as the tables hold them: microseconds since 1970, which is also PostgreSQL's precision.</summary>
internal static class SqliteTime
{
    public static long ToMicroseconds(this DateTimeOffset instant) =>
        (instant.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset FromMicroseconds(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}
