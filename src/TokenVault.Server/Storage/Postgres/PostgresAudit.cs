using Npgsql;
using static TokenVault.Server.Storage.Postgres.PostgresValues;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// The audit table. Transactions draw their sequence numbers before they commit, so a higher number can become visible before a lower one,
/// and a reader that goes on from the highest it saw would miss rows. Therefore every appending transaction first locks (shared, so nobody
/// waits) the number below which none of its own can be, and a reader believes only the numbers below the lowest locked one.
/// </summary>
internal static class PostgresAudit
{
    /// <summary>The upper 16 bits of the lock numbers ("tv"); the others are the sequence number.</summary>
    private const long LockTag = 0x7476L << 48;

    private const string Select = "SELECT sequence, id, at, body, user_id, mac FROM audit";
    private const string SelectSeals = "SELECT sequence, id, at, CASE WHEN mac IS NULL THEN body ELSE ''::bytea END, user_id, mac FROM audit";
    private const string Range = " WHERE id > $1 AND id < $2";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private const string Settle = "SELECT pg_advisory_xact_lock_shared($1 + last_value - CASE WHEN is_called THEN 0 ELSE 1 END) FROM audit_sequence";

    private const string SettleBehindTheGate =
        "SELECT pg_advisory_xact_lock_shared($2), pg_advisory_xact_lock_shared($1 + last_value - CASE WHEN is_called THEN 0 ELSE 1 END) FROM audit_sequence";

    private const string Met =
        """
        WITH held AS MATERIALIZED (
            SELECT n.place FROM entity e JOIN unnest($1, $2, $3, $4) WITH ORDINALITY AS n (kind, id, version, place, nth) ON e.kind = n.kind AND e.id = n.id
            WHERE e.version = n.version AND (e.expires_at IS NULL OR e.expires_at > $5)
            ORDER BY n.nth FOR SHARE OF e SKIP LOCKED
        ), met AS MATERIALIZED (
            SELECT place FROM unnest($6) AS b (place)
            LEFT JOIN (SELECT place, count(*) AS all_of_them FROM unnest($4) AS n (place) GROUP BY place) AS needed USING (place)
            LEFT JOIN (SELECT place, count(*) AS those_held FROM held GROUP BY place) AS got USING (place)
            WHERE coalesce(all_of_them, 0) = coalesce(those_held, 0)
        )
        """;

    /// <summary>A row that is there, even if it has expired, is in the way here; then the batch is decided alone.</summary>
    private const string AppendMet =
        $"""
        {Met}, inserted AS (
            INSERT INTO entity (kind, id, version, expires_at, body)
            SELECT i.kind, i.id, 1, i.expires_at, i.body
            FROM unnest($13, $14, $15, $16, $17) WITH ORDINALITY AS i (kind, id, expires_at, body, place, nth)
            WHERE i.place IN (SELECT place FROM met)
            ORDER BY i.nth
            ON CONFLICT (kind, id) DO NOTHING
            RETURNING kind, id
        ), free AS MATERIALIZED (
            SELECT u.place FROM entity e JOIN unnest($18, $19, $20, $23) WITH ORDINALITY AS u (kind, id, version, place, nth) ON e.kind = u.kind AND e.id = u.id
            WHERE e.version = u.version AND (e.expires_at IS NULL OR e.expires_at > $5) AND u.place IN (SELECT place FROM met)
            ORDER BY u.nth FOR NO KEY UPDATE OF e SKIP LOCKED
        ), updated AS (
            UPDATE entity e SET version = e.version + 1, expires_at = u.expires_at, body = u.body
            FROM unnest($18, $19, $21, $22, $23) AS u (kind, id, expires_at, body, place)
            WHERE e.kind = u.kind AND e.id = u.id AND u.place IN (SELECT place FROM free)
            RETURNING u.place
        ), done AS MATERIALIZED (
            SELECT place FROM met
            EXCEPT SELECT i.place FROM unnest($13, $14, $17) AS i (kind, id, place) WHERE (i.kind, i.id) NOT IN (SELECT kind, id FROM inserted)
            EXCEPT SELECT u.place FROM unnest($23) AS u (place) WHERE u.place NOT IN (SELECT place FROM updated)
        ), added AS (
            INSERT INTO audit (id, at, body, user_id, mac)
            SELECT r.id, r.at, r.body, r.user_id, r.mac
            FROM unnest($7, $8, $9, $10, $11, $12) WITH ORDINALITY AS r (id, at, body, user_id, mac, place, nth)
            WHERE r.place IN (SELECT place FROM done)
            ORDER BY r.nth
        )
        SELECT place FROM done
        """;

    private const string AppendIfAllAreMet =
        """
        WITH held AS MATERIALIZED (
            SELECT 1 FROM entity e JOIN unnest($1, $2, $3) AS n (kind, id, version) ON e.kind = n.kind AND e.id = n.id
            WHERE e.version = n.version AND (e.expires_at IS NULL OR e.expires_at > $4)
        ), added AS (
            INSERT INTO audit (id, at, body, user_id, mac)
            SELECT * FROM unnest($5, $6, $7, $8, $9) WHERE (SELECT count(*) FROM held) = $10
            RETURNING 1
        )
        SELECT count(*) FROM added
        """;

    public static void Append(PostgresScript script, IReadOnlyCollection<AuditRow> rows)
    {
        script.RunQuery(Settle, Number(LockTag));
        script.Run("INSERT INTO audit (id, at, body, user_id, mac) SELECT * FROM unnest($1, $2, $3, $4, $5)", Columns(rows));
    }

    /// <summary>
    /// All rows, if every one of these conditions is met, or none; the answer is refused then. It is as if that were decided at the moment of
    /// the look: whoever overwrites one of the required rows meanwhile comes after these audit rows, by which nobody decides anything. So no row
    /// is locked, and no writer waited for.
    /// </summary>
    public static void AppendIfAllMet(PostgresScript script, IReadOnlyList<Operation> operations, long now)
    {
        // Exchanges require the same client and connection over and over.
        var required = operations.OfType<RequireOperation>().Distinct().ToList();
        var rows = operations.OfType<AppendOperation>().Select(append => append.Row).ToList();
        script.RunQuery(Settle, Number(LockTag));
        script.NeedNumber(
            rows.Count,
            CommitOutcome.VersionConflict,
            AppendIfAllAreMet,
            [
                Texts(required.Select(require => require.Kind)),
                Texts(required.Select(require => require.Id)),
                Numbers(required.Select(require => require.Version)),
                Number(now),
                .. Columns(rows),
                Number(required.Count),
            ]);
    }

    /// <summary>
    /// The rows of each batch whose requirements are all met, and whose own row is not there yet, or is as it was read; lists the places of
    /// those batches. The required rows stay locked against writers until the commit. One that a writer holds is skipped, as one to be updated
    /// is that anybody holds: all the others would wait for them. No two batches insert the same row, and of two that update it one is done.
    /// </summary>
    public static void AppendWhereMet(PostgresScript script, IReadOnlyList<IReadOnlyList<Operation>> batches, long now)
    {
        var required = batches.SelectMany((batch, place) => batch.OfType<RequireOperation>().Select(require => (require, place)))
            .OrderBy(one => one.require.Kind, StringComparer.Ordinal).ThenBy(one => one.require.Id, StringComparer.Ordinal)
            .ToList();
        var inserts = batches.SelectMany((batch, place) => batch.OfType<InsertOperation>().Select(insert => (insert.Entity, place)))
            .OrderBy(one => one.Entity.Kind, StringComparer.Ordinal).ThenBy(one => one.Entity.Id, StringComparer.Ordinal)
            .ToList();
        var updates = batches.SelectMany((batch, place) => batch.OfType<UpdateOperation>().Select(update => (update.Entity, place)))
            .OrderBy(one => one.Entity.Kind, StringComparer.Ordinal).ThenBy(one => one.Entity.Id, StringComparer.Ordinal)
            .ToList();
        var rows = batches.SelectMany((batch, place) => batch.OfType<AppendOperation>().Select(append => (append.Row, place))).ToList();
        script.RunQuery(SettleBehindTheGate, Number(LockTag), Number(PostgresGate.Lock));
        script.List(
            AppendMet,
            [
                Texts(required.Select(one => one.require.Kind)),
                Texts(required.Select(one => one.require.Id)),
                Numbers(required.Select(one => one.require.Version)),
                Numbers(required.Select(one => (long)one.place)),
                Number(now),
                Numbers(Enumerable.Range(0, batches.Count).Select(place => (long)place)),
                .. Columns([.. rows.Select(one => one.Row)]),
                Numbers(rows.Select(one => (long)one.place)),
                .. Written(inserts, updates),
            ]);
    }

    private static NpgsqlParameter[] Columns(IReadOnlyCollection<AuditRow> rows) =>
    [
        Texts(rows.Select(row => row.Id)),
        Numbers(rows.Select(row => row.At.ToMicroseconds())),
        ByteArrays(rows.Select(row => row.Body)),
        Texts(rows.Select(row => row.UserId)),
        ByteArrays(rows.Select(row => row.Mac)),
    ];

    private static NpgsqlParameter[] Written(IReadOnlyList<(Entity Row, int Place)> inserts, IReadOnlyList<(Entity Row, int Place)> updates) =>
    [
        Texts(inserts.Select(one => one.Row.Kind)),
        Texts(inserts.Select(one => one.Row.Id)),
        Times(inserts.Select(one => one.Row.ExpiresAt)),
        ByteArrays(inserts.Select(one => one.Row.Body)),
        Numbers(inserts.Select(one => (long)one.Place)),
        Texts(updates.Select(one => one.Row.Kind)),
        Texts(updates.Select(one => one.Row.Id)),
        Numbers(updates.Select(one => one.Row.Version)),
        Times(updates.Select(one => one.Row.ExpiresAt)),
        ByteArrays(updates.Select(one => one.Row.Body)),
        Numbers(updates.Select(one => (long)one.Place)),
    ];

    /// <summary>
    /// Waits for the appends that were under way when it was called, for their rows may be below those that have returned already; but not
    /// for ever, because a node may be paused in the middle of one: then what lies behind that one is left for a later read.
    /// </summary>
    public static Task<IReadOnlyList<StoredAuditRow>> ReadAsync(NpgsqlConnection connection, long after, int take, CancellationToken cancellationToken) =>
        ReadAsync(connection, Select, after, take, cancellationToken);

    /// <summary>As <see cref="ReadAsync(NpgsqlConnection, long, int, CancellationToken)"/>, without the bodies of rows that have a seal.</summary>
    public static Task<IReadOnlyList<StoredAuditRow>> ReadSealsAsync(NpgsqlConnection connection, long after, int take, CancellationToken cancellationToken) =>
        ReadAsync(connection, SelectSeals, after, take, cancellationToken);

    private static async Task<IReadOnlyList<StoredAuditRow>> ReadAsync(
        NpgsqlConnection connection, string select, long after, int take, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        var (newest, settled, rows) = await ReadOnceAsync(connection, select, after, take, cancellationToken);
        var wanted = newest;
        while (settled < wanted && TimeProvider.System.GetElapsedTime(start) < Patience)
        {
            await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            (_, settled, rows) = await ReadOnceAsync(connection, select, after, take, cancellationToken);
        }

        rows.RemoveAll(row => row.Sequence > settled);
        return rows;
    }

    public static async Task<StoredAuditRow?> FindAsync(NpgsqlConnection connection, string id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"{Select} WHERE id = $1 ORDER BY sequence LIMIT 1", connection) { Parameters = { Text(id) } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return (await ReadRowsAsync(reader, cancellationToken)).FirstOrDefault();
    }

    public static async Task<IReadOnlyList<StoredAuditRow>> ListAsync(NpgsqlConnection connection, AuditQuery query, CancellationToken cancellationToken)
    {
        const string range = $"{Select}{Range}";
        var sql = (query.UserId, query.Descending) switch
        {
            (null, false) => $"{range} ORDER BY id LIMIT $3 OFFSET $4",
            (null, true) => $"{range} ORDER BY id DESC LIMIT $3 OFFSET $4",
            (_, false) => $"{range} AND user_id = $5 ORDER BY id LIMIT $3 OFFSET $4",
            _ => $"{range} AND user_id = $5 ORDER BY id DESC LIMIT $3 OFFSET $4",
        };
        await using var command = Command(connection, sql, query, Number(Math.Max(0, query.Take)), Number(Math.Max(0, query.Offset)));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await ReadRowsAsync(reader, cancellationToken);
    }

    public static async Task<long> CountAsync(NpgsqlConnection connection, AuditQuery query, CancellationToken cancellationToken)
    {
        const string all = $"SELECT count(*) FROM audit{Range}";
        await using var command = Command(connection, query.UserId is null ? all : $"{all} AND user_id = $3", query);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    public static void Drop(PostgresScript script, DropAuditOperation drop) =>
        script.Run("DELETE FROM audit WHERE sequence <= $1", Number(drop.ThroughSequence));

    /// <summary>The order matters: the newest number first, then the locks, then the rows.</summary>
    private static async Task<(long Newest, long Settled, List<StoredAuditRow> Rows)> ReadOnceAsync(
        NpgsqlConnection connection, string select, long after, int take, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("SELECT last_value FROM audit_sequence"),
                new NpgsqlBatchCommand(
                    """
                    SELECT min((classid::bigint << 32 | objid::bigint) - $1) FROM pg_locks
                    WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = $1 >> 48
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    """)
                {
                    Parameters = { Number(LockTag) },
                },
                new NpgsqlBatchCommand($"{select} WHERE sequence > $1 ORDER BY sequence LIMIT $2")
                {
                    Parameters = { Number(after), Number(Math.Max(0, take)) },
                },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var newest = reader.GetInt64(0);
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var settled = await reader.IsDBNullAsync(0, cancellationToken) ? newest : Math.Min(newest, reader.GetInt64(0));
        await reader.NextResultAsync(cancellationToken);
        return (newest, settled, await ReadRowsAsync(reader, cancellationToken));
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, AuditQuery query, params NpgsqlParameter[] more)
    {
        var command = new NpgsqlCommand(sql, connection) { Parameters = { Text(query.Above), Text(query.Below) } };
        command.Parameters.AddRange(more);
        if (query.UserId is { } user)
        {
            command.Parameters.Add(Text(user));
        }

        return command;
    }

    private static async Task<List<StoredAuditRow>> ReadRowsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var rows = new List<StoredAuditRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new StoredAuditRow(
                reader.GetInt64(0), reader.GetString(1), StorageTime.FromMicroseconds(reader.GetInt64(2)), reader.GetFieldValue<byte[]>(3))
            {
                UserId = reader.IsDBNull(4) ? null : reader.GetString(4),
                Mac = reader.IsDBNull(5) ? null : reader.GetFieldValue<byte[]>(5),
            });
        }

        return rows;
    }
}
