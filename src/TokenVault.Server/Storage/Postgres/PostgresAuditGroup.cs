using System.Threading.Channels;
using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// Commits batches that append audit rows, if some rows are still as they were read and a name is used for the first time, as every token
/// exchange does, and such that note in one row that it was used: what arrives while one transaction is under way goes into the next one
/// together. Nobody is answered before the commit returned, and whose condition is not met for sure is decided alone, so that nobody fails or
/// waits for another's.
/// </summary>
internal sealed class PostgresAuditGroup : IAsyncDisposable
{
    private const int MostBatches = 512;

    /// <summary>Transactions at once: while one waits for the disk, the next one is filled.</summary>
    public const int Groups = 2;

    private readonly PostgresCommit _commit;
    private readonly PostgresCommit _alone;
    private readonly Channel<Waiting> _queue = Channel.CreateUnbounded<Waiting>();
    private readonly Task _run;

    /// <param name="commit">On connections that nobody else uses: a connection's process at the database serves faster what it has just served.</param>
    /// <param name="alone">For what is decided alone.</param>
    public PostgresAuditGroup(PostgresCommit commit, PostgresCommit alone)
    {
        _commit = commit;
        _alone = alone;
        _run = Task.WhenAll(Enumerable.Range(0, Groups).Select(_ => Task.Run(RunAsync)));
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
        ObjectDisposedException.ThrowIf(!_queue.Writer.TryWrite(waiting), typeof(PostgresStorage));
        return await waiting.Completion.Task ? PostgresCommit.Committed : await _alone.RunAsync(operations);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _run;
    }

    private async Task RunAsync()
    {
        var group = new List<Waiting>();
        var names = new HashSet<(string, string)>();
        await foreach (var first in _queue.Reader.ReadAllAsync())
        {
            group.Clear();
            names.Clear();
            Board(first, group, names);
            while (group.Count < MostBatches && _queue.Reader.TryRead(out var next))
            {
                Board(next, group, names);
            }

            await ServeAsync(group);
        }
    }

    /// <summary>Of two that would insert the same row, one is in the way of the other: the second is decided alone.</summary>
    private static void Board(Waiting waiting, List<Waiting> group, HashSet<(string Kind, string Id)> names)
    {
        if (waiting.Operations.OfType<InsertOperation>().FirstOrDefault() is { } insert && !names.Add((insert.Entity.Kind, insert.Entity.Id)))
        {
            waiting.Completion.SetResult(false);
            return;
        }

        group.Add(waiting);
    }

    private async Task ServeAsync(List<Waiting> group)
    {
        try
        {
            var met = await _commit.AppendAsync([.. group.Select(waiting => waiting.Operations)]);
            for (var i = 0; i < group.Count; i++)
            {
                group[i].Completion.SetResult(met[i]);
            }
        }
        catch (PostgresException)
        {
            // A row that the database refuses is its own batch's failure, not its neighbours'.
            group.ForEach(waiting => waiting.Completion.SetResult(false));
        }
        catch (Exception e)
        {
            group.ForEach(waiting => waiting.Completion.SetException(e));
        }
    }

    private sealed record Waiting(IReadOnlyList<Operation> Operations)
    {
        /// <summary>Whether it is committed; if not, nothing of it is.</summary>
        public TaskCompletionSource<bool> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
