namespace TokenVault.Server.Storage.Sqlite;

/// <summary>SQLite refused. The message is SQLite's and names tables and columns at most, never a value.</summary>
internal sealed class SqliteException(int code, string message) : Exception($"SQLite: {message} ({code}).")
{
    /// <summary>The extended result code (https://sqlite.org/rescode.html).</summary>
    public int Code { get; } = code;

    /// <summary>The primary result code.</summary>
    public int PrimaryCode => Code & 0xFF;
}
