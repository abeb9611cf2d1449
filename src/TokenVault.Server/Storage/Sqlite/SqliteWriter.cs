using System.Collections.Concurrent;

namespace TokenVault.Server.Storage.Sqlite;

/// <summary>
/// The one thread that writes. It groups whatever waits into one transaction, so that one flush of the disk serves many commits;
/// each job has its own savepoint, so that its failure is its own. Nobody is answered before COMMIT returned.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    public const string ThreadName = "sqlite writer";

    private const int MaxGroup = 512;
    private const int CheckpointPages = 1_000;
    private const int RestartPages = 16_000;

    private readonly SqliteConnection _connection;
    private readonly SqliteTables _tables;
    private readonly SqliteLogIndex _log;
    private readonly SqliteVersions _versions;
    private readonly ChangeFeed _changes;
    private readonly BlockingCollection<SqliteJob> _queue = [];
    private readonly List<SqliteJob> _group = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _pagesToCheckpoint;

    /// <summary>Owns the connection from now on.</summary>
    public SqliteWriter(SqliteConnection connection, ChangeFeed changes, TimeProvider time)
    {
        _connection = connection;
        _changes = changes;
        _log = new SqliteLogIndex(connection);
        _versions = new SqliteVersions(connection);
        _tables = new SqliteTables(connection, new SqliteRows(connection, _versions), new SqliteLeases(connection), time);
        new Thread(Run) { IsBackground = true, Name = ThreadName }.Start();
    }

    public Task<T> EnqueueAsync<T>(SqliteJob<T> job)
    {
        try
        {
            _queue.Add(job);
        }
        catch (InvalidOperationException)
        {
            return Task.FromException<T>(new ObjectDisposedException(nameof(SqliteStorage)));
        }

        return job.Completion;
    }

    /// <summary>Finishes what waits, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.CompleteAdding();
        await _ended.Task;
    }

    private void Run()
    {
        foreach (var job in _queue.GetConsumingEnumerable())
        {
            _group.Clear();
            _group.Add(job);
            Serve();
            Checkpoint();
        }

        _connection.Dispose();
        _ended.SetResult();
    }

    private void Serve()
    {
        try
        {
            CommitGroup();
        }
        catch (Exception e)
        {
            // What of the group reached the disk is unknown to its members, so none is told that it did.
            _versions.ForgetAll();
            _group.ForEach(job => job.Fail(e));
            return;
        }

        foreach (var job in _group)
        {
            job.Changes.ForEach(_changes.Publish);
        }

        _group.ForEach(job => job.Succeed());
    }

    private void CommitGroup()
    {
        try
        {
            while (true)
            {
                EndTransaction();
                _connection.Begin();
                _versions.Follow();
                if (ApplyGroup())
                {
                    _log.Extend();
                    _connection.Commit();
                    _log.Keep();
                    return;
                }
            }
        }
        finally
        {
            EndTransaction();
        }
    }

    /// <summary>False when SQLite undid the whole transaction because of one job: that job is out, the others start again.</summary>
    private bool ApplyGroup()
    {
        // Whoever arrives while the group is being applied still gets on board.
        for (var i = 0; i < _group.Count || (_group.Count < MaxGroup && TryBoard()); i++)
        {
            try
            {
                Apply(_group[i]);
            }
            catch (Exception e)
            {
                var failed = _group[i];
                failed.Fail(e);
                _group.RemoveAt(i--);
                if (!_connection.InTransaction)
                {
                    _versions.ForgetAll();
                    return false;
                }

                if (!failed.WritesAtOnce)
                {
                    UndoSavepoint();
                }
            }
        }

        return true;
    }

    private bool TryBoard()
    {
        if (!_queue.TryTake(out var job))
        {
            return false;
        }

        _group.Add(job);
        return true;
    }

    private void Apply(SqliteJob job)
    {
        if (job.WritesAtOnce)
        {
            job.Apply(_tables);
            return;
        }

        _connection.Use("SAVEPOINT job").Run();
        if (!job.Apply(_tables))
        {
            job.Changes.Clear();
            UndoSavepoint();
            return;
        }

        _connection.Use("RELEASE job").Run();
    }

    private void UndoSavepoint()
    {
        _versions.ForgetAll();
        _connection.Use("ROLLBACK TO job").Run();
        _connection.Use("RELEASE job").Run();
    }

    private void EndTransaction()
    {
        if (_connection.InTransaction)
        {
            _versions.ForgetAll();
            _connection.Rollback();
        }
    }

    private void Checkpoint()
    {
        _pagesToCheckpoint += _connection.TakePagesWritten();
        if (_pagesToCheckpoint < CheckpointPages)
        {
            return;
        }

        // A checkpoint that fails loses nothing: the log keeps the commits, and the next one tries again.
        var logged = _connection.Checkpoint(restart: _pagesToCheckpoint >= RestartPages);
        _pagesToCheckpoint = logged is >= 0 and < RestartPages ? 0 : Math.Max(logged, CheckpointPages);
    }
}
