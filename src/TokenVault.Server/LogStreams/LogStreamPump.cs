using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.LogStreams;

/// <summary>
/// Sends what was logged to its receivers: in order, each entry at least once, each stream on its own, so that a receiver that is stuck
/// holds up itself alone (F-26). One node serves a stream at a time, and any other goes on where it stopped.
/// </summary>
internal sealed class LogStreamPump(
    IStorage storage, LogStreamSender sender, LogView view, AuditLog audit, TimeProvider time, ILogger<LogStreamPump> logger) : BackgroundService
{
    private const int BatchSize = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan SuspendAfter = TimeSpan.FromHours(24);

    /// <summary>Rows; a node that dies makes the next one read that many again.</summary>
    private const int MostPassedOver = 10_000;

    private readonly ConcurrentDictionary<string, long> _passedOver = new(StringComparer.Ordinal);
    private readonly string _node = Identifier.Secret();
    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);

    /// <summary>Where a new stream begins: behind the end of the chain, a second ago or two.</summary>
    public async ValueTask<long> NewestAsync(CancellationToken cancellationToken) =>
        (await storage.FindAsync<AuditHead>(AuditHead.TheId, cancellationToken))?.LastSequence ?? 0;

    /// <summary>See <see cref="StreamPositions"/>.</summary>
    public async ValueTask<IReadOnlyDictionary<string, long>> PositionsAsync(CancellationToken cancellationToken) =>
        (await storage.ListAllAsync<LogStreamState>(index: null, cancellationToken)).ToDictionary(state => state.Id, state => state.Sequence, StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var stream in await storage.ListReadableAsync<LogStream>(index: null, logger, stoppingToken))
                {
                    Begin(stream, stoppingToken);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.BackgroundWorkFailed(logger, e, "log streams");
            }

            // By the machine's clock, as the chain.
            await Task.Delay(Pause, TimeProvider.System, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(_running.Values);
    }

    private void Begin(LogStream stream, CancellationToken stopping)
    {
        if (stream.Status == LogStream.Active && (!_running.TryGetValue(stream.Id, out var run) || run.IsCompleted))
        {
            _running[stream.Id] = Task.Run(() => RunAsync(stream.Id, stopping), CancellationToken.None);
        }
    }

    private async Task RunAsync(string id, CancellationToken stopping)
    {
        var name = "log-stream " + id;
        var fence = 0L;
        try
        {
            // Most looks find nothing to send, and need neither a lease nor a commit.
            while (await DueAsync(id, stopping) is { } due)
            {
                if (fence == 0)
                {
                    // Another node may have sent these rows until now: look again.
                    fence = (await storage.CommitAsync(new Batch().AcquireLease(name, _node, LeaseTime))).Fence;
                    if (fence == 0)
                    {
                        return;
                    }

                    continue;
                }

                if (!await DeliverAsync(due, fence, stopping))
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // What was under way is sent again at the next start.
        }
        catch (Exception e)
        {
            Log.BackgroundWorkFailed(logger, e, name);
        }

        await ReleaseAsync(name, fence);
    }

    private async Task ReleaseAsync(string name, long fence)
    {
        try
        {
            if (fence != 0)
            {
                await storage.CommitAsync(new Batch().ReleaseLease(name, fence));
            }
        }
        catch (Exception e)
        {
            Log.BackgroundWorkFailed(logger, e, name);
        }
    }

    /// <returns>What to send, or at least to pass over for good; null when there is neither.</returns>
    private async Task<Delivery?> DueAsync(string id, CancellationToken stopping)
    {
        if (await storage.FindAsync<LogStream>(id, stopping) is not { Status: LogStream.Active } stream
            || await storage.FindAsync<LogStreamState>(id, stopping) is not { } state
            || state.NextAttemptAt > time.GetUtcNow())
        {
            return null;
        }

        var through = Math.Max(state.Sequence, _passedOver.GetValueOrDefault(id));
        while (true)
        {
            var rows = await storage.ReadAuditAsync(through, BatchSize, stopping);
            var entries = rows.Select(view.Of).Where(entry => IsWanted(stream, entry)).ToList();
            through = rows.Count == 0 ? through : rows[^1].Sequence;
            if (entries.Count > 0 || through - state.Sequence >= MostPassedOver)
            {
                return new Delivery(stream, state, entries, through);
            }

            // What is not for the stream costs no commit each time: it is remembered here, and read again by a node that does not know.
            _passedOver[id] = through;
            if (rows.Count < BatchSize)
            {
                return null;
            }
        }
    }

    /// <returns>Whether to go on.</returns>
    private async Task<bool> DeliverAsync(Delivery due, long fence, CancellationToken stopping)
    {
        var (stream, state, entries, through) = due;
        var problem = entries.Count == 0 ? null : await sender.SendAsync(stream, entries, stopping);
        var batch = new Batch().RenewLease("log-stream " + stream.Id, fence, LeaseTime);
        if (problem is null)
        {
            var next = state with { Sequence = through, Failures = 0, FailingSince = null, NextAttemptAt = null };
            return (await storage.CommitAsync(batch.Replace(next))).Committed;
        }

        var now = time.GetUtcNow();
        var since = state.FailingSince ?? now;
        var backOff = TimeSpan.FromSeconds(Math.Pow(2, Math.Min(state.Failures, 10)));
        batch.Replace(state with
        {
            Failures = state.Failures + 1,
            FailingSince = since,
            NextAttemptAt = now + (backOff < LongestBackOff ? backOff : LongestBackOff),
        });
        Log.LogStreamFailed(logger, stream.Id, problem);
        if (now - since >= SuspendAfter)
        {
            batch.Replace(stream with { Status = LogStream.Suspended }).Append(audit.Row(new AuditEvent
            {
                Type = AuditType.LogStreamSuspended,
                Description = $"Nothing could be delivered for {SuspendAfter.TotalHours} hours: {problem}",
                Details = new JsonObject { ["log_stream_id"] = stream.Id },
            }));
        }

        await storage.CommitAsync(batch);
        return false;
    }

    private static bool IsWanted(LogStream stream, JsonObject entry) =>
        stream.Filters.Count == 0 || stream.Filters.Contains(LogCategory.Of((string?)entry["type"]), StringComparer.Ordinal);

    /// <param name="Through">The last row that was looked at.</param>
    private sealed record Delivery(LogStream Stream, LogStreamState State, IReadOnlyList<JsonObject> Entries, long Through);
}
