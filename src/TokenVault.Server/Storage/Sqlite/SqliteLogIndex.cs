namespace TokenVault.Server.Storage.Sqlite;

/// <summary>
/// The log by user, in parts of consecutive rows: a part is written once, in order, when it is full. An index over the whole log would be
/// written all over, a page of the disk for almost every row. Rows behind the last full part are looked through one by one.
/// </summary>
internal sealed class SqliteLogIndex(SqliteConnection connection)
{
    /// <summary>Stands in the schema and in the queries as well.</summary>
    private const int Part = 1_024;

    private const string Fill =
        """
        INSERT INTO audit_user (part, user_id, id, sequence)
        SELECT (sequence - 1) / 1024, user_id, id, sequence FROM audit
        WHERE sequence > ?1 AND sequence <= ?2 AND user_id IS NOT NULL ORDER BY 1, 2, 3
        """;

    private long? _through;
    private long _next;

    /// <summary>In the transaction that appended rows, before its end.</summary>
    public void Extend()
    {
        var through = _through ??= Number("SELECT through FROM audit_user_parts");
        _next = Math.Max(through, Number("SELECT coalesce(max(sequence), 0) FROM audit") / Part * Part);
        if (_next == through)
        {
            return;
        }

        connection.Use(Fill).Bind(1, through).Bind(2, _next).Run();
        connection.Use("UPDATE audit_user_parts SET through = ?1").Bind(1, _next).Run();
    }

    /// <summary>That transaction is durable.</summary>
    public void Keep() => _through = _next;

    /// <summary>The parts whose rows have all been dropped.</summary>
    public static void Drop(SqliteConnection connection, long throughSequence) =>
        connection.Use("DELETE FROM audit_user WHERE part < ?1 / 1024").Bind(1, throughSequence).Run();

    private long Number(string sql)
    {
        using var query = connection.Use(sql);
        return query.Step() ? query.Long(0) : 0;
    }
}
