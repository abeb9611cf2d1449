using System.Threading.Channels;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>Works off the outbox of revocations until the provider has accepted each, for at most a day (T-UP-15).</summary>
internal sealed class RevocationService(IStorage storage, RevocationAttempt attempt, TimeProvider time, ILogger<RevocationService> logger) : BackgroundService
{
    private const string LeaseName = "revocations";

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(2);

    private readonly string _node = Identifier.Secret();
    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var watch = storage.Watch(change =>
        {
            if (change.Kind is null or "revocation")
            {
                _wakes.Writer.TryWrite(true);
            }
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WorkAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.BackgroundWorkFailed(logger, e, LeaseName);
            }

            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(_wakes.Reader.WaitToReadAsync(pause.Token).AsTask(), Task.Delay(Poll, time, pause.Token));
            await pause.CancelAsync();
            _wakes.Reader.TryRead(out _);
        }
    }

    private async Task WorkAsync(CancellationToken stopping)
    {
        var now = time.GetUtcNow();
        var pending = await storage.ListReadableAsync<PendingRevocation>(PendingRevocation.Due, logger, stopping);
        var due = pending.Where(revocation => revocation.NextAttemptAt <= now).ToList();
        if (due.Count == 0)
        {
            return;
        }

        // One node at a time; a second call for the same token would do no harm.
        var lease = await storage.CommitAsync(new Batch().AcquireLease(LeaseName, _node, LeaseTime));
        if (!lease.Committed)
        {
            return;
        }

        await Parallel.ForEachAsync(
            due, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stopping },
            async (revocation, _) => await attempt.RunAsync(revocation, logger, stopping));
        await storage.CommitAsync(new Batch().ReleaseLease(LeaseName, lease.Fence));
    }
}
