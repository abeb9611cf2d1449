using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using static TokenVault.Server.Storage.Postgres.PostgresValues;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// The engine for more than one node. Expiry goes by the nodes' clock as in every engine, leases by the database's. A call that finds the
/// database away fails with <see cref="StorageUnavailableException"/>, and the next one after its return succeeds.
/// </summary>
internal sealed class PostgresStorage : IStorage
{
    private readonly PostgresPool _pool;
    private readonly PostgresPool _groups;
    private readonly ChangeFeed _changes;
    private readonly PostgresCommit _commit;
    private readonly PostgresAuditGroup _audit;
    private readonly PostgresListener _listener;
    private readonly TimeProvider _time;
    private readonly TimeSpan? _clockTolerance;
    private readonly OpenCalls _calls = new();

    private PostgresStorage(PostgresSettings settings, TimeProvider time, ILogger logger, TimeSpan? clockTolerance)
    {
        _clockTolerance = clockTolerance;
        _time = time;
        _changes = new ChangeFeed(logger);
        var notices = new PostgresNotices(_changes);
        _pool = new PostgresPool(settings);
        _commit = new PostgresCommit(_pool, notices, time);
        _groups = new PostgresPool(settings.ForGroups);
        _audit = new PostgresAuditGroup(new PostgresCommit(_groups, notices, time), _commit, TimeProvider.System);
        _listener = new PostgresListener(settings, notices, logger);
    }

    /// <summary>Connects, brings the schema up to date and begins to listen for the other nodes' changes.</summary>
    /// <param name="clockTolerance">How far this node's clock may be from the database's for <see cref="ProbeAsync"/>; null: any distance.</param>
    /// <exception cref="StartupException">The database cannot be used; says why, without the password.</exception>
    public static async Task<PostgresStorage> OpenAsync(
        string connectionString, TimeProvider time, ILogger? logger = null, TimeSpan? clockTolerance = null)
    {
        var settings = PostgresSettings.Parse(connectionString)
            ?? throw new StartupException("The connection string is none of PostgreSQL's: write it as Host=…;Database=…;Username=…;Password=….");
        PostgresStorage? storage = null;
        try
        {
            await using (var connection = new NpgsqlConnection(settings.ListenerConnectionString))
            {
                await connection.OpenAsync();
                await PostgresSchema.MigrateAsync(connection, CancellationToken.None);
            }

            storage = new PostgresStorage(settings, time, logger ?? NullLogger.Instance, clockTolerance);
            await storage._listener.StartAsync(CancellationToken.None);
            return storage;
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or TimeoutException)
        {
            await (storage?.DisposeAsync() ?? ValueTask.CompletedTask);
            throw new StartupException($"The database {settings.Address} cannot be used: {e.Message}", e);
        }
    }

    public async ValueTask<Entity?> FindAsync(string kind, string id, CancellationToken cancellationToken) =>
        CanBeStored(id) ? await ReadAsync(connection => PostgresReads.FindAsync(connection, kind, id, Now, cancellationToken), cancellationToken) : null;

    public async ValueTask<Entity?> FindByKeyAsync(string kind, string keyName, string keyValue, CancellationToken cancellationToken)
    {
        var key = EntityKey.UniqueKey(keyName, keyValue);
        return CanBeStored(keyValue)
            ? await ReadAsync(connection => PostgresReads.FindByKeyAsync(connection, kind, key, Now, cancellationToken), cancellationToken)
            : null;
    }

    public async ValueTask<IReadOnlyList<Entity>> ListAsync(ListQuery query, CancellationToken cancellationToken) =>
        HasRows(query)
            ? await ReadManyAsync(connection => PostgresReads.ListAsync(connection, query, Now, cancellationToken), cancellationToken)
            : [];

    public async ValueTask<long> CountAsync(ListQuery query, CancellationToken cancellationToken) =>
        HasRows(query with { After = null })
            ? await ReadManyAsync(connection => PostgresReads.CountAsync(connection, query, Now, cancellationToken), cancellationToken)
            : 0;

    public ValueTask<CommitResult> CommitAsync(Batch batch) =>
        _calls.RunAsync(() => PostgresAuditGroup.Takes(batch.Operations) ? _audit.CommitAsync(batch.Operations) : _commit.RunAsync(batch.Operations));

    public ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditAsync(long afterSequence, int take, CancellationToken cancellationToken) =>
        ReadManyAsync(connection => PostgresAudit.ReadAsync(connection, afterSequence, take, cancellationToken), cancellationToken);

    public ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditSealsAsync(long afterSequence, int take, CancellationToken cancellationToken) =>
        ReadManyAsync(connection => PostgresAudit.ReadSealsAsync(connection, afterSequence, take, cancellationToken), cancellationToken);

    public async ValueTask<StoredAuditRow?> FindAuditAsync(string id, CancellationToken cancellationToken) =>
        CanBeStored(id) ? await ReadAsync(connection => PostgresAudit.FindAsync(connection, id, cancellationToken), cancellationToken) : null;

    public async ValueTask<IReadOnlyList<StoredAuditRow>> ListAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
        CanBeStored(query.UserId ?? "")
            ? await ReadManyAsync(connection => PostgresAudit.ListAsync(connection, query, cancellationToken), cancellationToken)
            : [];

    public async ValueTask<long> CountAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
        CanBeStored(query.UserId ?? "")
            ? await ReadManyAsync(connection => PostgresAudit.CountAsync(connection, query, cancellationToken), cancellationToken)
            : 0;

    public ValueTask<int> PurgeExpiredAsync(int limit, CancellationToken cancellationToken) =>
        ReadManyAsync(connection => PostgresReads.PurgeAsync(connection, limit, Now, cancellationToken), cancellationToken);

    public IDisposable Watch(Action<Change> observer) => _changes.Add(observer);

    public async ValueTask ProbeAsync(CancellationToken cancellationToken)
    {
        var theirs = await ReadAsync(connection => PostgresReads.ProbeAsync(connection, Now, cancellationToken), cancellationToken);
        var offset = _time.GetUtcNow() - theirs;
        if (_clockTolerance is { } tolerance && offset.Duration() > tolerance)
        {
            throw new StorageUnavailableException($"This node's clock differs from the database's by {offset.TotalSeconds:0} s.");
        }

        if (!_listener.InContact)
        {
            throw new StorageUnavailableException("This node does not hear of the other nodes' changes.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!await _calls.CloseAsync())
        {
            return;
        }

        await _listener.DisposeAsync();
        await _groups.DisposeAsync();
        await _pool.DisposeAsync();
    }

    private static bool HasRows(ListQuery query) =>
        CanBeStored(query.Index?.Name ?? "") && CanBeStored(query.Index?.Value ?? "") && CanBeStored(query.After ?? "");

    private ValueTask<T> ReadAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellationToken) =>
        _calls.RunAsync(() => _pool.UseAsync(read, cancellationToken));

    private ValueTask<T> ReadManyAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellationToken) =>
        _calls.RunAsync(() => _pool.UseForManyAsync(read, cancellationToken));

    private long Now => _time.GetUtcNow().ToMicroseconds();
}
