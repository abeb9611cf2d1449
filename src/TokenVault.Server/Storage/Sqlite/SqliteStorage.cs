using Microsoft.Extensions.Logging.Abstractions;

namespace TokenVault.Server.Storage.Sqlite;

/// <summary>
/// The embedded engine: one file, one process. Reads run on the calling thread, for they take microseconds and mostly hit memory;
/// writes go through one thread that groups them. Leases go by this process's clock, which is the only one there is.
/// </summary>
internal sealed class SqliteStorage : IStorage
{
    private readonly SqliteFile _file;
    private readonly SqliteReaders _readers;
    private readonly SqliteWriter _writer;
    private readonly ChangeFeed _changes;
    private readonly TimeProvider _time;
    private int _disposed;

    private SqliteStorage(SqliteFile file, SqliteConnection connection, TimeProvider time, ILogger logger)
    {
        _file = file;
        _time = time;
        _changes = new ChangeFeed(logger);
        _readers = new SqliteReaders(file.Path);
        _writer = new SqliteWriter(connection, _changes, time);
    }

    /// <summary>Opens the file, which is created when it is not there, and brings its schema up to date.</summary>
    /// <exception cref="StartupException">The file cannot be served by this process; says why.</exception>
    public static SqliteStorage Open(string databaseFile, TimeProvider time, ILogger? logger = null)
    {
        SqliteLibrary.Verify();
        var file = SqliteFile.Take(databaseFile);
        SqliteConnection? connection = null;
        try
        {
            connection = SqliteConnection.OpenWriter(file.Path);
            SqliteSchema.Migrate(connection);
            return new SqliteStorage(file, connection, time, logger ?? NullLogger.Instance);
        }
        catch (Exception e)
        {
            connection?.Dispose();
            file.Dispose();
            if (e is SqliteException)
            {
                throw new StartupException($"The database '{file.Path}' cannot be opened: {e.Message}", e);
            }

            throw;
        }
    }

    public ValueTask<Entity?> FindAsync(string kind, string id, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_readers.Read((kind, id, Now), static (reader, s) => reader.Find(s.kind, s.id, s.Now)));
    }

    public ValueTask<Entity?> FindByKeyAsync(string kind, string keyName, string keyValue, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_readers.Read(
            (kind, keyName, keyValue, Now),
            static (reader, s) => reader.FindByKey(s.kind, s.keyName, s.keyValue, s.Now)));
    }

    public ValueTask<IReadOnlyList<Entity>> ListAsync(ListQuery query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_readers.Read((query, Now), static (reader, s) => reader.List(s.query, s.Now)));
    }

    public ValueTask<long> CountAsync(ListQuery query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_readers.Read((query, Now), static (reader, s) => reader.Count(s.query, s.Now)));
    }

    public ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditAsync(long afterSequence, int take, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_readers.Read((afterSequence, take), static (reader, s) => reader.ReadAudit(s.afterSequence, s.take)));
    }

    public ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditSealsAsync(long afterSequence, int take, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_readers.Read((afterSequence, take), static (reader, s) => reader.ReadAuditSeals(s.afterSequence, s.take)));
    }

    public ValueTask<StoredAuditRow?> FindAuditAsync(string id, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_readers.Read(id, static (reader, s) => reader.FindAudit(s)));
    }

    public ValueTask<IReadOnlyList<StoredAuditRow>> ListAuditAsync(AuditQuery query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_readers.Read(query, static (reader, s) => reader.ListAudit(s)));
    }

    public ValueTask<long> CountAuditAsync(AuditQuery query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_readers.Read(query, static (reader, s) => reader.CountAudit(s)));
    }

    public ValueTask<CommitResult> CommitAsync(Batch batch) => new(_writer.EnqueueAsync(new SqliteCommit(batch)));

    public ValueTask<int> PurgeExpiredAsync(int limit, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_writer.EnqueueAsync(new SqlitePurge(limit)));
    }

    public IDisposable Watch(Action<Change> observer) => _changes.Add(observer);

    public async ValueTask ProbeAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _writer.EnqueueAsync(new SqliteProbe(Now));
        _readers.Read(0, static (reader, _) => reader.ReadProbe());
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // The readers first: then the writer is the last to close, and its checkpoint empties the log.
        _readers.Dispose();
        await _writer.DisposeAsync();
        _file.Dispose();
    }

    private long Now => _time.GetUtcNow().ToMicroseconds();
}
