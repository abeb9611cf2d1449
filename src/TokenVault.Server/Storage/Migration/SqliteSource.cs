using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Server.Storage.Migration;

/// <summary>A SQLite database that is read from end to end, and held so that no server writes to it meanwhile.</summary>
internal sealed class SqliteSource : IAsyncDisposable
{
    private readonly SqliteStorage _held;
    private readonly SqliteConnection _connection;

    private SqliteSource(SqliteStorage held, SqliteConnection connection)
    {
        _held = held;
        _connection = connection;
    }

    /// <summary>The highest fence and the highest audit number that were ever given out.</summary>
    public (long Fence, long Sequence) Highest =>
        (ReadNumber("SELECT last FROM fence"), ReadNumber("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'audit'"));

    /// <exception cref="StartupException">There is no such database, or a server uses it.</exception>
    public static SqliteSource Open(string databaseFile)
    {
        if (!File.Exists(databaseFile))
        {
            throw new StartupException($"There is no database '{Path.GetFullPath(databaseFile)}' to copy.");
        }

        // Opening also completes what a crash left, and brings an older layout up to date.
        return new SqliteSource(SqliteStorage.Open(databaseFile, TimeProvider.System), SqliteConnection.OpenReader(databaseFile));
    }

    public long Count(StorageTable table) => ReadNumber(table.CountInSqlite);

    public IEnumerable<object?[]> Read(StorageTable table)
    {
        using var query = _connection.Use(table.ReadFromSqlite);
        while (query.Step())
        {
            var row = new object?[table.Columns.Count];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = table.Columns[i] switch
                {
                    ColumnType.Text => query.TextOrNull(i),
                    ColumnType.Number => query.LongOrNull(i),
                    _ => query.BlobOrNull(i),
                };
            }

            yield return row;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _connection.Dispose();
        await _held.DisposeAsync();
    }

    private long ReadNumber(string sql)
    {
        using var query = _connection.Use(sql);
        query.Step();
        return query.Long(0);
    }
}
