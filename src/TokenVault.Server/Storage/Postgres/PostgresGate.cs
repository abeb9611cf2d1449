using static TokenVault.Server.Storage.Postgres.PostgresValues;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// PostgreSQL lets whoever shares a row's lock pass a writer that waits for it. A user for whom exchanges arrive without a pause, on several
/// nodes, could never be blocked: their row would be required at every moment. So all groups that lock rows (see <see cref="PostgresAudit.AppendWhereMet"/>) go
/// through a gate together, before they lock any row, and a writer that has waited for long closes it until it is done. The gate is waited for by nobody who holds a lock.
/// </summary>
internal static class PostgresGate
{
    /// <summary>As a lock number; those of <see cref="PostgresAudit"/> begin with other bits.</summary>
    public const long Lock = 0x7477L << 48;

    /// <summary>In milliseconds. A group that stands still, because its node does, must not keep all others waiting.</summary>
    private const string Briefly = "SELECT set_config('lock_timeout', '250', true)";

    /// <summary>In milliseconds; for the rows.</summary>
    private const string Patiently = "SELECT set_config('lock_timeout', '1000', true)";

    /// <summary>
    /// In milliseconds, for the statement that locks the rows: who waits for several that share a row waits for one after the other, and is
    /// never told that it took long.
    /// </summary>
    private const string Hurriedly = "SELECT set_config('statement_timeout', '1000', true)";

    private const string Close = "SELECT pg_advisory_xact_lock($1)";

    /// <summary>In front of everything that locks, by a batch that changes or removes rows.</summary>
    /// <param name="script">Of that batch.</param>
    /// <param name="close">It has waited.</param>
    public static void Enter(PostgresScript script, bool close)
    {
        if (close)
        {
            script.RunQuery(Briefly);
            script.RunQuery(Close, Number(Lock));
        }

        script.RunQuery(Patiently);
    }

    /// <summary>In front of locking rows, with the gate open.</summary>
    public static void Hurry(PostgresScript script) => script.RunQuery(Hurriedly);

    /// <summary>The rows are locked: what is done with them takes as long as it does.</summary>
    public static void Calm(PostgresScript script) => script.Run("SET LOCAL statement_timeout TO DEFAULT");

    /// <summary>What else COMMIT may wait for is no row.</summary>
    public static void Leave(PostgresScript script) => script.Run("SET LOCAL lock_timeout TO DEFAULT");
}
