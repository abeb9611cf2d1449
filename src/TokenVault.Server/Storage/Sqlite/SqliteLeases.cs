namespace TokenVault.Server.Storage.Sqlite;

/// <summary>
/// Leases, on the writer's connection and inside its transaction. Fences come from one counter for all names,
/// so that they grow even across the removal of a lease that is long past.
/// </summary>
internal sealed class SqliteLeases(SqliteConnection connection)
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromDays(1);

    /// <summary>The new fence, or 0 when somebody else holds the lease.</summary>
    public long Acquire(AcquireLeaseOperation acquire, long now)
    {
        var fence = NextFence();
        var taken = connection.Use(
            """
            INSERT INTO lease (name, fence, owner, until) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (name) DO UPDATE SET fence = excluded.fence, owner = excluded.owner, until = excluded.until
            WHERE lease.owner IS NULL OR lease.owner = excluded.owner OR lease.until <= ?5
            """)
            .Bind(1, acquire.Name).Bind(2, fence).Bind(3, acquire.Owner).Bind(4, Until(now, acquire.Duration)).Bind(5, now)
            .RunCounting() == 1;
        return taken ? fence : 0;
    }

    public bool Renew(RenewLeaseOperation renew, long now) =>
        connection.Use("UPDATE lease SET until = ?1 WHERE name = ?2 AND fence = ?3 AND owner IS NOT NULL")
            .Bind(1, Until(now, renew.Duration)).Bind(2, renew.Name).Bind(3, renew.Fence)
            .RunCounting() == 1;

    public bool IsNewest(string name, long fence)
    {
        using var query = connection.Use("SELECT 1 FROM lease WHERE name = ?1 AND fence = ?2");
        return query.Bind(1, name).Bind(2, fence).Step();
    }

    public void Release(ReleaseLeaseOperation release, long now) =>
        connection.Use("UPDATE lease SET owner = NULL, until = ?1 WHERE name = ?2 AND fence = ?3 AND owner IS NOT NULL")
            .Bind(1, now).Bind(2, release.Name).Bind(3, release.Fence)
            .Run();

    public void Purge(long now) =>
        connection.Use("DELETE FROM lease WHERE until <= ?1").Bind(1, Until(now, -KeptFor)).Run();

    private static long Until(long now, TimeSpan duration) => now + (duration.Ticks / TimeSpan.TicksPerMicrosecond);

    private long NextFence()
    {
        using var next = connection.Use("UPDATE fence SET last = last + 1 RETURNING last");
        next.Step();
        return next.Long(0);
    }
}
