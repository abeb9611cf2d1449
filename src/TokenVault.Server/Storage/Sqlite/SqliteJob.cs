namespace TokenVault.Server.Storage.Sqlite;

/// <summary>Something that waits for the writer. It is applied inside a transaction and told the end of that transaction.</summary>
internal abstract class SqliteJob
{
    /// <summary>The rows that it wrote or removed.</summary>
    public List<Change> Changes { get; } = [];

    /// <summary>It leaves nothing half done, so there is never anything of it to undo.</summary>
    public virtual bool WritesAtOnce => false;

    /// <summary>Called again from the start when the transaction has to be repeated. False when nothing of it shall stay.</summary>
    public abstract bool Apply(SqliteTables tables);

    public abstract void Succeed();

    public abstract void Fail(Exception exception);
}

/// <summary>What jobs work on.</summary>
internal sealed record SqliteTables(SqliteConnection Connection, SqliteRows Rows, SqliteLeases Leases, TimeProvider Time)
{
    public long Now => Time.GetUtcNow().ToMicroseconds();
}

/// <summary>A job with a result.</summary>
internal abstract class SqliteJob<T> : SqliteJob
{
    // The waiting callers must not run on the writer's thread.
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Completion => _completion.Task;

    public override bool Apply(SqliteTables tables)
    {
        Changes.Clear();
        _result = Run(tables);
        return IsKept(_result);
    }

    public override void Succeed() => _completion.SetResult(_result!);

    public override void Fail(Exception exception) => _completion.SetException(exception);

    protected abstract T Run(SqliteTables tables);

    protected virtual bool IsKept(T result) => true;
}

/// <summary>Removes expired rows with their keys, and leases long past.</summary>
internal sealed class SqlitePurge(int limit) : SqliteJob<int>
{
    protected override int Run(SqliteTables tables)
    {
        var now = tables.Now;
        tables.Leases.Purge(now);
        return tables.Rows.PurgeExpired(limit, now);
    }
}

/// <summary>Proves that the engine can write durably.</summary>
internal sealed class SqliteProbe(long value) : SqliteJob<long>
{
    protected override long Run(SqliteTables tables)
    {
        tables.Connection.Use("INSERT INTO probe (id, value) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET value = excluded.value")
            .Bind(1, value)
            .Run();
        return value;
    }
}
