using static TokenVault.Server.Storage.Postgres.PostgresValues;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>Leases, by the clock of the database and no other. Fences come from one sequence, drawn while the lease is locked.</summary>
internal static class PostgresLeases
{
    /// <summary>Removes leases long past.</summary>
    public const string Purge = "DELETE FROM lease WHERE until <= clock_timestamp() - interval '1 day'";

    public static void Acquire(PostgresScript script, AcquireLeaseOperation acquire) => script.NeedFence(
        """
        INSERT INTO lease AS l (name, fence, owner, until) VALUES ($1, nextval('fence'), $2, clock_timestamp() + $3)
        ON CONFLICT (name) DO UPDATE SET fence = nextval('fence'), owner = excluded.owner, until = clock_timestamp() + $3
        WHERE l.owner IS NULL OR l.owner = excluded.owner OR l.until <= clock_timestamp()
        RETURNING fence
        """,
        Text(acquire.Name),
        Text(acquire.Owner),
        Duration(acquire.Duration));

    public static void Renew(PostgresScript script, RenewLeaseOperation renew) => script.NeedRow(
        CommitOutcome.LeaseConflict,
        "UPDATE lease SET until = clock_timestamp() + $3 WHERE name = $1 AND fence = $2 AND owner IS NOT NULL RETURNING 1",
        Text(renew.Name),
        Number(renew.Fence),
        Duration(renew.Duration));

    /// <summary>The lease stays locked until the commit, so that nobody can take it in between.</summary>
    public static void Require(PostgresScript script, RequireFenceOperation require) => script.NeedRow(
        CommitOutcome.LeaseConflict,
        "SELECT 1 FROM lease WHERE name = $1 AND fence = $2 FOR SHARE",
        Text(require.Name),
        Number(require.Fence));

    public static void Release(PostgresScript script, ReleaseLeaseOperation release) => script.Run(
        "UPDATE lease SET owner = NULL, until = clock_timestamp() WHERE name = $1 AND fence = $2 AND owner IS NOT NULL",
        Text(release.Name),
        Number(release.Fence));
}
