using System.Runtime.InteropServices;
using System.Text;

namespace TokenVault.Server.Storage.Sqlite;

/// <summary>
/// A prepared statement that its connection keeps. Disposing ends one use of it: it is reset, and holds no lock and no value any more.
/// </summary>
internal sealed unsafe class SqliteStatement(SqliteConnection connection, nint statement) : IDisposable
{
    private const int StackBytes = 256;

    public SqliteStatement Bind(int index, string value)
    {
        var length = Encoding.UTF8.GetMaxByteCount(value.Length);
        Span<byte> buffer = length <= StackBytes ? stackalloc byte[StackBytes] : new byte[length];
        var written = Encoding.UTF8.GetBytes(value, buffer);
        fixed (byte* bytes = buffer)
        {
            connection.Check(SqliteNative.BindText(statement, index, bytes, written, SqliteNative.Transient));
        }

        return this;
    }

    public SqliteStatement Bind(int index, long value)
    {
        connection.Check(SqliteNative.BindLong(statement, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, long? value)
    {
        connection.Check(value is { } number ? SqliteNative.BindLong(statement, index, number) : SqliteNative.BindNull(statement, index));
        return this;
    }

    public SqliteStatement BindOrNull(int index, string? value)
    {
        if (value is not null)
        {
            return Bind(index, value);
        }

        connection.Check(SqliteNative.BindNull(statement, index));
        return this;
    }

    public SqliteStatement BindOrNull(int index, byte[]? value)
    {
        if (value is not null)
        {
            return Bind(index, value);
        }

        connection.Check(SqliteNative.BindNull(statement, index));
        return this;
    }

    public SqliteStatement Bind(int index, byte[] value)
    {
        // Not "fixed (byte* bytes = value)": that is a null pointer for an empty array, which would bind NULL.
        fixed (byte* bytes = &MemoryMarshal.GetArrayDataReference(value))
        {
            connection.Check(SqliteNative.BindBlob(statement, index, bytes, value.Length, SqliteNative.Transient));
        }

        return this;
    }

    /// <summary>True when there is a row to read, false when the statement is done.</summary>
    public bool Step()
    {
        var code = SqliteNative.Step(statement);
        if (code == SqliteNative.Row)
        {
            return true;
        }

        if (code != SqliteNative.Done)
        {
            connection.Check(code);
        }

        return false;
    }

    /// <summary>Runs the statement to its end and ends its use.</summary>
    public void Run()
    {
        using (this)
        {
            while (Step())
            {
            }
        }
    }

    /// <summary>Runs the statement to its end, ends its use, and says how many rows it changed.</summary>
    public int RunCounting()
    {
        Run();
        return connection.Changes;
    }

    public long Long(int column) => SqliteNative.ColumnLong(statement, column);

    public long? LongOrNull(int column) =>
        IsNull(column) ? null : SqliteNative.ColumnLong(statement, column);

    public string Text(int column)
    {
        var text = SqliteNative.ColumnText(statement, column);
        return Encoding.UTF8.GetString(text, text is null ? 0 : SqliteNative.ColumnBytes(statement, column));
    }

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    public byte[]? BlobOrNull(int column) => IsNull(column) ? null : Blob(column);

    public byte[] Blob(int column)
    {
        var blob = SqliteNative.ColumnBlob(statement, column);
        return blob is null ? [] : new ReadOnlySpan<byte>(blob, SqliteNative.ColumnBytes(statement, column)).ToArray();
    }

    public void Dispose()
    {
        // Its result repeats the error of the last step, which has been thrown already.
        _ = SqliteNative.Reset(statement);
        _ = SqliteNative.ClearBindings(statement);
    }

    private bool IsNull(int column) => SqliteNative.ColumnType(statement, column) == SqliteNative.TypeNull;

    /// <summary>The end of the statement, with its connection.</summary>
    public void Free() => _ = SqliteNative.Finalize(statement);
}
