using System.Threading.Channels;
using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// Commits batches that only append audit rows, as every token exchange does: what arrives while one transaction is under way goes
/// into the next one together. Nobody is answered before the commit returned.
/// </summary>
internal sealed class PostgresAuditGroup : IAsyncDisposable
{
    private const int MaxRows = 512;

    private readonly PostgresCommit _commit;
    private readonly Channel<Waiting> _queue = Channel.CreateUnbounded<Waiting>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _run;

    public PostgresAuditGroup(PostgresCommit commit)
    {
        _commit = commit;
        _run = Task.Run(RunAsync);
    }

    public static bool Takes(IReadOnlyList<Operation> operations) => operations.All(operation => operation is AppendOperation);

    public Task<CommitResult> CommitAsync(IReadOnlyList<Operation> operations)
    {
        var waiting = new Waiting(operations);
        return _queue.Writer.TryWrite(waiting) ? waiting.Completion.Task : throw new ObjectDisposedException(nameof(PostgresStorage));
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _run;
    }

    private async Task RunAsync()
    {
        var group = new List<Waiting>();
        await foreach (var first in _queue.Reader.ReadAllAsync())
        {
            group.Clear();
            group.Add(first);
            while (group.Count < MaxRows && _queue.Reader.TryRead(out var next))
            {
                group.Add(next);
            }

            await ServeAsync(group);
        }
    }

    private async Task ServeAsync(List<Waiting> group)
    {
        try
        {
            var result = await _commit.RunAsync([.. group.SelectMany(waiting => waiting.Operations)]);
            group.ForEach(waiting => waiting.Completion.SetResult(result));
        }
        catch (PostgresException) when (group.Count > 1)
        {
            // A row that the database refuses is its own batch's failure, not its neighbours'.
            foreach (var waiting in group)
            {
                await ServeAsync([waiting]);
            }
        }
        catch (Exception e)
        {
            group.ForEach(waiting => waiting.Completion.SetException(e));
        }
    }

    private sealed record Waiting(IReadOnlyList<Operation> Operations)
    {
        public TaskCompletionSource<CommitResult> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
