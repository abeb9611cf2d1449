using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// Commits batches that append audit rows, if some rows are still as they were read and a name is used for the first time, as every token
/// exchange does, and such that note in one row that it was used: what arrives while one transaction is under way goes into the next one
/// together. Nobody is answered before the commit returned, and whose condition is not met for sure is decided alone, so that nobody fails or
/// waits for another's.
/// </summary>
internal sealed class PostgresAuditGroup
{
    private const int MostBatches = 512;

    /// <summary>Transactions at once: while one waits for the disk, the next one is filled.</summary>
    public const int Groups = 2;

    /// <summary>
    /// So many are worth a transaction beside one that is under way. Each takes some hundred microseconds of the server's CPU and of the
    /// database's, however few are in it (docs/scaling-results.md): fewer wait for the one that is about to return, and go with those who come
    /// until then.
    /// </summary>
    public const int Worthwhile = 20;

    /// <summary>What takes longer waits for a disk, a lock or a network, and nobody waits for it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(5);

    private readonly PostgresCommit _commit;
    private readonly PostgresCommit _alone;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Queue<Waiting> _waiting = new();
    private int _underWay;

    // Of those that are under way, the ones that have been so for less than Patience.
    private int _prompt;

    /// <param name="commit">On connections that nobody else uses: a connection's process at the database serves faster what it has just served.</param>
    /// <param name="alone">For what is decided alone.</param>
    /// <param name="time">For <see cref="Patience"/>.</param>
    public PostgresAuditGroup(PostgresCommit commit, PostgresCommit alone, TimeProvider time)
    {
        _commit = commit;
        _alone = alone;
        _time = time;
    }

    /// <summary>Conditions are met by what there was before the group: who updates a row, and maybe one that another of the group requires, has none.</summary>
    public static bool Takes(IReadOnlyList<Operation> operations) =>
        operations.Any(operation => operation is AppendOperation or UpdateOperation)
        && operations.Count(operation => operation is InsertOperation or UpdateOperation) <= 1
        && operations.All(operation => operation is AppendOperation or RequireOperation or UpdateOperation or InsertOperation { Entity.Keys.Count: 0 })
        && !(operations.Any(operation => operation is UpdateOperation) && operations.Any(operation => operation is RequireOperation));

    public async Task<CommitResult> CommitAsync(IReadOnlyList<Operation> operations)
    {
        var waiting = new Waiting(operations);
        lock (_lock)
        {
            _waiting.Enqueue(waiting);
            DepartIfWorthwhile();
        }

        return await waiting.Completion.Task ? PostgresCommit.Committed : await _alone.RunAsync(operations);
    }

    /// <summary>Of two that would insert the same row, one is in the way of the other: the second is decided alone.</summary>
    private static List<Waiting> Board(List<Waiting> waiting)
    {
        var names = new HashSet<(string, string)>();
        var group = new List<Waiting>();
        foreach (var next in waiting)
        {
            if (next.Operations.OfType<InsertOperation>().FirstOrDefault() is { } insert && !names.Add((insert.Entity.Kind, insert.Entity.Id)))
            {
                next.Completion.SetResult(false);
            }
            else
            {
                group.Add(next);
            }
        }

        return group;
    }

    /// <summary>Under the lock.</summary>
    private void DepartIfWorthwhile()
    {
        if (_underWay == Groups || _waiting.Count < (_prompt > 0 ? Worthwhile : 1))
        {
            return;
        }

        var waiting = new List<Waiting>();
        while (waiting.Count < MostBatches && _waiting.TryDequeue(out var next))
        {
            waiting.Add(next);
        }

        _underWay++;
        _prompt++;

        // On nobody's behalf, not in the context of whichever request came last; and as the next thing that this thread does.
        ThreadPool.UnsafeQueueUserWorkItem(state => _ = ServeAsync(state), waiting, preferLocal: true);
    }

    private async Task ServeAsync(List<Waiting> waiting)
    {
        var served = RunAsync(waiting);
        await served.WaitAsync(Patience, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var late = !served.IsCompleted;
        if (late)
        {
            lock (_lock)
            {
                _prompt--;
                DepartIfWorthwhile();
            }

            await served;
        }

        lock (_lock)
        {
            _prompt -= late ? 0 : 1;
            _underWay--;
            DepartIfWorthwhile();
        }
    }

    private async Task RunAsync(List<Waiting> waiting)
    {
        var group = Board(waiting);
        try
        {
            var met = await _commit.AppendAsync([.. group.Select(one => one.Operations)]);
            for (var i = 0; i < group.Count; i++)
            {
                group[i].Completion.SetResult(met[i]);
            }
        }
        catch (PostgresException)
        {
            // A row that the database refuses is its own batch's failure, not its neighbours'.
            group.ForEach(one => one.Completion.TrySetResult(false));
        }
        catch (Exception e)
        {
            group.ForEach(one => one.Completion.TrySetException(e));
        }
    }

    private sealed record Waiting(IReadOnlyList<Operation> Operations)
    {
        /// <summary>Whether it is committed; if not, nothing of it is.</summary>
        public TaskCompletionSource<bool> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
