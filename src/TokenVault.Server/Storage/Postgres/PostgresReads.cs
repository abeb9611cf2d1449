using Npgsql;
using static TokenVault.Server.Storage.Postgres.PostgresValues;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>The reads. Each is one statement, and sees one state of the database.</summary>
internal static class PostgresReads
{
    private const string Live = "(e.expires_at IS NULL OR e.expires_at > $1)";
    private const string Columns = "SELECT e.id, e.version, e.expires_at, e.body";
    private const string OfKind = $" FROM entity e WHERE {Live} AND e.kind = $2";

    private const string OfIndex =
        $" FROM index_key k JOIN entity e ON e.kind = k.kind AND e.id = k.id WHERE {Live} AND k.kind = $2 AND k.name = $3 AND k.value = $4";

    private const string KindPage = $"{Columns}{OfKind} AND e.id > $5 ORDER BY e.id LIMIT $3 OFFSET $4";
    private const string KindStart = $"{Columns}{OfKind} ORDER BY e.id LIMIT $3 OFFSET $4";
    private const string IndexPage = $"{Columns}{OfIndex} AND k.id > $7 ORDER BY k.id LIMIT $5 OFFSET $6";
    private const string IndexStart = $"{Columns}{OfIndex} ORDER BY k.id LIMIT $5 OFFSET $6";

    public static async Task<Entity?> FindAsync(NpgsqlConnection connection, string kind, string id, long now, CancellationToken cancellationToken)
    {
        const string sql = $"{Columns} FROM entity e WHERE {Live} AND e.kind = $2 AND e.id = $3";
        await using var command = Command(connection, sql, Number(now), Text(kind), Text(id));
        return await ReadOneAsync(command, kind, cancellationToken);
    }

    public static async Task<Entity?> FindByKeyAsync(
        NpgsqlConnection connection, string kind, EntityKey key, long now, CancellationToken cancellationToken)
    {
        const string sql =
            $"{Columns} FROM unique_key k JOIN entity e ON e.kind = k.kind AND e.id = k.id WHERE {Live} AND k.kind = $2 AND k.name = $3 AND k.value = $4";
        await using var command = Command(connection, sql, Number(now), Text(kind), Text(key.Name), Text(key.Value));
        return await ReadOneAsync(command, kind, cancellationToken);
    }

    public static async Task<IReadOnlyList<Entity>> ListAsync(NpgsqlConnection connection, ListQuery list, long now, CancellationToken cancellationToken)
    {
        var sql = (list.Index, list.After) switch
        {
            (null, null) => KindStart,
            (null, _) => KindPage,
            (_, null) => IndexStart,
            _ => IndexPage,
        };
        await using var command = Command(connection, sql, Number(now), Text(list.Kind));
        if (list.Index is { } index)
        {
            command.Parameters.Add(Text(index.Name));
            command.Parameters.Add(Text(index.Value));
        }

        command.Parameters.Add(Number(Math.Max(0, list.Take)));
        command.Parameters.Add(Number(Math.Max(0, list.Offset)));
        if (list.After is { } after)
        {
            command.Parameters.Add(Text(after));
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var page = new List<Entity>();
        while (await reader.ReadAsync(cancellationToken))
        {
            page.Add(Read(reader, list.Kind));
        }

        return page;
    }

    public static async Task<long> CountAsync(NpgsqlConnection connection, ListQuery list, long now, CancellationToken cancellationToken)
    {
        const string ofKind = $"SELECT count(*){OfKind}";
        const string ofIndex = $"SELECT count(*){OfIndex}";
        await using var command = list.Index is { } index
            ? Command(connection, ofIndex, Number(now), Text(list.Kind), Text(index.Name), Text(index.Value))
            : Command(connection, ofKind, Number(now), Text(list.Kind));
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Rows that another node is purging are left to it.</summary>
    public static async Task<int> PurgeAsync(NpgsqlConnection connection, int limit, long now, CancellationToken cancellationToken)
    {
        const string sql =
            """
            WITH gone AS MATERIALIZED (
                SELECT kind, id FROM entity WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            DELETE FROM entity e USING gone WHERE e.kind = gone.kind AND e.id = gone.id
            """;
        await using var command = Command(connection, sql, Number(now), Number(Math.Max(0, limit)));
        var removed = await command.ExecuteNonQueryAsync(cancellationToken);
        if (removed < limit)
        {
            await using var leases = Command(connection, PostgresLeases.Purge);
            await leases.ExecuteNonQueryAsync(cancellationToken);
        }

        return removed;
    }

    /// <summary>Writes the probe row; returns the database's time.</summary>
    public static async Task<DateTimeOffset> ProbeAsync(NpgsqlConnection connection, long value, CancellationToken cancellationToken)
    {
        const string sql = "INSERT INTO probe (id, value) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET value = excluded.value RETURNING clock_timestamp()";
        await using var command = Command(connection, sql, Number(value));
        return (DateTime)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        return command;
    }

    private static async Task<Entity?> ReadOneAsync(NpgsqlCommand command, string kind, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Read(reader, kind) : null;
    }

    private static Entity Read(NpgsqlDataReader row, string kind) => new(
        kind,
        row.GetString(0),
        row.GetInt64(1),
        row.IsDBNull(2) ? null : StorageTime.FromMicroseconds(row.GetInt64(2)),
        row.GetFieldValue<byte[]>(3),
        Keys: []);
}
