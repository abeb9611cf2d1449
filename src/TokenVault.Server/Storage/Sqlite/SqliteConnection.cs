using System.Runtime.InteropServices;
using System.Text;

namespace TokenVault.Server.Storage.Sqlite;

/// <summary>A connection with its prepared statements. Used by one thread at a time; its owner sees to that.</summary>
internal sealed unsafe class SqliteConnection : IDisposable
{
    private const int BusyMilliseconds = 5_000;

    private readonly SqliteHandle _handle;

    // The keys are constants: their identity is enough, and spares hashing the SQL on every read.
    private readonly Dictionary<object, SqliteStatement> _statements = new(ReferenceEqualityComparer.Instance);

    private SqliteConnection(SqliteHandle handle) => _handle = handle;

    /// <summary>Rows that the last INSERT, UPDATE or DELETE changed.</summary>
    public int Changes => SqliteNative.Changes(_handle);

    public long LastInsertRow => SqliteNative.LastInsertRow(_handle);

    public bool InTransaction => SqliteNative.GetAutocommit(_handle) == 0;

    /// <summary>The one connection that writes and checkpoints.</summary>
    public static SqliteConnection OpenWriter(string file)
    {
        var connection = Open(file, SqliteNative.OpenReadWrite);
        try
        {
            connection.Configure();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static SqliteConnection OpenReader(string file) => Open(file, SqliteNative.OpenReadOnly);

    /// <summary>The statement for this SQL, which must be a constant; kept until the connection is disposed.</summary>
    public SqliteStatement Use(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            statement = Prepare(sql, SqliteNative.PreparePersistent);
            _statements.Add(sql, statement);
        }

        return statement;
    }

    /// <summary>Runs one statement that is not worth keeping.</summary>
    public void Execute(string sql)
    {
        var statement = Prepare(sql, flags: 0);
        try
        {
            statement.Run();
        }
        finally
        {
            statement.Free();
        }
    }

    /// <summary>The first column of the first row.</summary>
    public string QueryText(string sql)
    {
        var statement = Prepare(sql, flags: 0);
        try
        {
            return statement.Step() ? statement.Text(0) : "";
        }
        finally
        {
            statement.Free();
        }
    }

    public void Begin() => Use("BEGIN IMMEDIATE").Run();

    public void Commit() => Use("COMMIT").Run();

    public void Rollback() => Use("ROLLBACK").Run();

    /// <summary>How many pages were written since this was last asked.</summary>
    public int TakePagesWritten()
    {
        // It can only fail for a wrong argument.
        _ = SqliteNative.Status(_handle, SqliteNative.StatusCacheWrite, out var pages, out _, reset: 1);
        return pages;
    }

    /// <summary>
    /// Copies the write-ahead log into the database and returns the log's length in pages, or -1 when that was not possible now.
    /// </summary>
    /// <param name="restart">Waits for the readers, so that the log starts again from its beginning.</param>
    public int Checkpoint(bool restart)
    {
        var mode = restart ? SqliteNative.CheckpointRestart : SqliteNative.CheckpointPassive;
        return SqliteNative.Checkpoint(_handle, null, mode, out var pages, out _) == SqliteNative.Ok ? pages : -1;
    }

    /// <exception cref="SqliteException">The code is an error.</exception>
    public void Check(int code)
    {
        if (code != SqliteNative.Ok)
        {
            throw new SqliteException(code, Marshal.PtrToStringUTF8(SqliteNative.ErrorMessage(_handle)) ?? "");
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Free();
        }

        _statements.Clear();
        _handle.Dispose();
    }

    private static SqliteConnection Open(string file, int flags)
    {
        var code = SqliteNative.Open(file, out var database, flags | SqliteNative.OpenNoMutex, vfs: 0);

        // A handle comes back even when opening failed, and must be closed.
        var handle = new SqliteHandle(database);
        if (code != SqliteNative.Ok)
        {
            handle.Dispose();
            throw new SqliteException(code, Marshal.PtrToStringUTF8(SqliteNative.ErrorText(code)) ?? "");
        }

        var connection = new SqliteConnection(handle);
        connection.Check(SqliteNative.ExtendedResultCodes(handle, 1));
        connection.Check(SqliteNative.BusyTimeout(handle, BusyMilliseconds));
        return connection;
    }

    private void Configure()
    {
        var mode = QueryText("PRAGMA journal_mode=WAL");
        if (!string.Equals(mode, "wal", StringComparison.Ordinal))
        {
            throw new StartupException(
                $"SQLite cannot use write-ahead logging on this file system (journal mode '{mode}'): put the data directory on a local disk.");
        }

        // Every COMMIT is on the disk when it returns: a rotated refresh token exists nowhere else (F-27).
        Execute("PRAGMA synchronous=FULL");

        // The writer checkpoints after it has answered, not inside somebody's COMMIT.
        Execute("PRAGMA wal_autocheckpoint=0");
        Execute("PRAGMA journal_size_limit=67108864");

        // In KiB: twice what SQLite takes by itself, for the several indexes that a commit writes to.
        Execute("PRAGMA cache_size=-4096");
    }

    private SqliteStatement Prepare(string sql, uint flags)
    {
        var text = Encoding.UTF8.GetBytes(sql);
        fixed (byte* bytes = text)
        {
            Check(SqliteNative.Prepare(_handle, bytes, text.Length, flags, out var statement, out _));
            return new SqliteStatement(this, statement);
        }
    }
}
