using System.Threading.Channels;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Storage;

/// <summary>
/// Works off rows of one kind that say when they are due, as soon as they are: what has to reach others, though neither this node nor they
/// may be there at the moment. One node at a time; a row may be worked on twice.
/// </summary>
/// <param name="name">Of the lease.</param>
/// <param name="index">What the rows carry that are not done.</param>
internal sealed class OutboxLoop<T>(IStorage storage, string name, EntityKey index, Func<T, DateTimeOffset> dueAt, TimeProvider time, ILogger logger)
    where T : class, IRecord<T>
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(2);

    private readonly string _node = Identifier.Secret();
    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Until the server stops.</summary>
    /// <param name="attempt">One try at one row; it writes down what came of it.</param>
    public async Task RunAsync(Func<T, CancellationToken, Task> attempt, CancellationToken stopping)
    {
        using var watch = storage.Watch(change =>
        {
            if (change.Kind is null || change.Kind == T.Kind)
            {
                _wakes.Writer.TryWrite(true);
            }
        });
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await WorkAsync(attempt, stopping);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.BackgroundWorkFailed(logger, e, name);
            }

            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            await Task.WhenAny(_wakes.Reader.WaitToReadAsync(pause.Token).AsTask(), Task.Delay(Poll, time, pause.Token));
            await pause.CancelAsync();
            _wakes.Reader.TryRead(out _);
        }
    }

    private async Task WorkAsync(Func<T, CancellationToken, Task> attempt, CancellationToken stopping)
    {
        if ((await FindDueAsync(stopping)).Count == 0)
        {
            return;
        }

        var lease = await storage.CommitAsync(new Batch().AcquireLease(name, _node, LeaseTime));
        if (!lease.Committed)
        {
            return;
        }

        // Once more: whoever had the lease until now may have done what was due.
        var due = await FindDueAsync(stopping);
        await Parallel.ForEachAsync(
            due, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stopping }, async (row, _) => await attempt(row, stopping));
        await storage.CommitAsync(new Batch().ReleaseLease(name, lease.Fence));
    }

    private async Task<IReadOnlyList<T>> FindDueAsync(CancellationToken stopping)
    {
        var now = time.GetUtcNow();
        return [.. (await storage.ListReadableAsync<T>(index, logger, stopping)).Where(row => dueAt(row) <= now)];
    }
}
