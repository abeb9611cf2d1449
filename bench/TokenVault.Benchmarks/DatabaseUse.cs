using System.Globalization;
using Npgsql;

namespace TokenVault.Benchmarks;

/// <summary>What PostgreSQL did: for one request, or since its beginning.</summary>
/// <param name="Cpu">Of all its processes.</param>
/// <param name="Commits">Transactions that wrote, or locked rows.</param>
/// <param name="WalBytes">Written to the write-ahead log.</param>
internal sealed record DatabaseUse(TimeSpan Cpu, double Commits, double WalBytes)
{
    /// <summary>Of 16 MB each.</summary>
    private const int LogSegments = 32;

    public static async Task<DatabaseUse> ReadAsync(string connectionString)
    {
        // Only transactions that write have a number.
        var row = await QueryAsync(
            connectionString,
            """
            SELECT pg_snapshot_xmax(pg_current_snapshot())::text::float8, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8,
                split_part(pg_read_file('postmaster.pid'), E'\n', 1)::float8
            """);
        return new DatabaseUse(PostgresCpu.Total((int)row[2]), row[0], row[1]);
    }

    /// <summary>
    /// Into the state of a database that has been in use for a while: what was copied has been vacuumed, which would be done while it is measured,
    /// and the write-ahead log has old segments to write over, instead of making each first, filled with zeros, while commits wait.
    /// </summary>
    public static async Task SettleAsync(string connectionString)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        string[] segments = [.. Enumerable.Repeat("SELECT pg_logical_emit_message(false, 'bench', 'segment'), pg_switch_wal()", LogSegments)];
        foreach (var sql in (string[])["VACUUM (ANALYZE)", "ALTER SYSTEM SET min_wal_size = '512MB'", "SELECT pg_reload_conf()", .. segments, "CHECKPOINT"])
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync();
        }
    }

    public DatabaseUse Since(DatabaseUse before) => new(Cpu - before.Cpu, Commits - before.Commits, WalBytes - before.WalBytes);

    public DatabaseUse Plus(DatabaseUse more) => new(Cpu + more.Cpu, Commits + more.Commits, WalBytes + more.WalBytes);

    public DatabaseUse ForEach(long requests) => new(Cpu / requests, Commits / requests, WalBytes / requests);

    public static async Task<RowSizes> SizesAsync(string connectionString, int tokensets)
    {
        var row = await QueryAsync(
            connectionString,
            """
            SELECT sum(pg_total_relation_size(name::regclass))::float8, sum(pg_indexes_size(name::regclass))::float8,
                (SELECT pg_total_relation_size('audit')::float8 / greatest(count(*), 1) FROM audit),
                (SELECT avg(octet_length(body))::float8 FROM (SELECT body FROM entity WHERE kind = 'refresh-receipt' LIMIT 1000) AS sample)
            FROM unnest(ARRAY['entity', 'unique_key', 'index_key']) AS name
            """);
        return new RowSizes(row[0] / tokensets, row[1] / tokensets, row[2], row[3]);
    }

    private static async Task<double[]> QueryAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return [.. Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToDouble(reader.GetValue(i), CultureInfo.InvariantCulture))];
    }
}
