namespace TokenVault.Server.Storage.Migration;

internal enum ColumnType
{
    Text,
    Number,
    Bytes,
}

/// <summary>
/// A table that is copied from one engine to the other: its columns, and the queries that read all of it on either side in one and the
/// same order. Leases are not among them: they belong to the process that held the file. Their fences go on from the highest.
/// </summary>
internal sealed record StorageTable(string Name, IReadOnlyList<ColumnType> Columns)
{
    /// <summary>Rows before the keys that refer to them.</summary>
    public static IReadOnlyList<StorageTable> All { get; } =
    [
        new("entity", [ColumnType.Text, ColumnType.Text, ColumnType.Number, ColumnType.Number, ColumnType.Bytes])
        {
            CountInSqlite = "SELECT count(*) FROM entity",
            ReadFromSqlite = "SELECT kind, id, version, expires_at, body FROM entity ORDER BY kind, id",
            ReadFromPostgres = "SELECT kind, id, version, expires_at, body FROM entity ORDER BY kind, id",
            CopyToPostgres = "COPY entity (kind, id, version, expires_at, body) FROM STDIN (FORMAT BINARY)",
        },
        new("unique_key", [ColumnType.Text, ColumnType.Text, ColumnType.Text, ColumnType.Text])
        {
            CountInSqlite = "SELECT count(*) FROM unique_key",
            ReadFromSqlite =
                "SELECT k.kind, k.name, k.value, e.id FROM unique_key k LEFT JOIN entity e ON e.row = k.row ORDER BY k.kind, k.name, k.value",
            ReadFromPostgres = "SELECT kind, name, value, id FROM unique_key ORDER BY kind, name, value",
            CopyToPostgres = "COPY unique_key (kind, name, value, id) FROM STDIN (FORMAT BINARY)",
        },
        new("index_key", [ColumnType.Text, ColumnType.Text, ColumnType.Text, ColumnType.Text])
        {
            CountInSqlite = "SELECT count(*) FROM index_key",
            ReadFromSqlite = "SELECT name, value, kind, id FROM index_key ORDER BY name, value, kind, id",
            ReadFromPostgres = "SELECT name, value, kind, id FROM index_key ORDER BY name, value, kind, id",
            CopyToPostgres = "COPY index_key (name, value, kind, id) FROM STDIN (FORMAT BINARY)",
        },
        new("audit", [ColumnType.Number, ColumnType.Text, ColumnType.Number, ColumnType.Bytes, ColumnType.Text, ColumnType.Bytes])
        {
            CountInSqlite = "SELECT count(*) FROM audit",
            ReadFromSqlite = "SELECT sequence, id, at, body, user_id, mac FROM audit ORDER BY sequence",
            ReadFromPostgres = "SELECT sequence, id, at, body, user_id, mac FROM audit ORDER BY sequence",
            CopyToPostgres = "COPY audit (sequence, id, at, body, user_id, mac) FROM STDIN (FORMAT BINARY)",
        },
    ];

    public required string CountInSqlite { get; init; }

    public required string ReadFromSqlite { get; init; }

    public required string ReadFromPostgres { get; init; }

    public required string CopyToPostgres { get; init; }
}
