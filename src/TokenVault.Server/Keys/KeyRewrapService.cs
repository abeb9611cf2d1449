using System.Diagnostics;
using System.Threading.Channels;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>Re-wraps after a rotation, while serving, and retires old keys when it is safe.</summary>
internal sealed class KeyRewrapService(
    IStorage storage, KeyRing ring, KeyRewrap rewrap, TokenVaultOptions options, TimeProvider time, ILogger<KeyRewrapService> logger) : BackgroundService
{
    private static readonly TimeSpan Poll = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10);

    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private long _lineAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var watch = storage.Watch(change =>
        {
            if (change.Kind is null || change.Kind == VaultKey.Kind)
            {
                _wakes.Writer.TryWrite(true);
            }
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Poll;
            try
            {
                pause = await WorkAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.BackgroundWorkFailed(logger, e, "re-wrapping under the newest vault key");
                pause = Soon;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(_wakes.Reader.WaitToReadAsync(waiting.Token).AsTask(), Task.Delay(pause, time, waiting.Token));
            await waiting.CancelAsync();
            _wakes.Reader.TryRead(out _);
        }
    }

    private async Task<TimeSpan> WorkAsync(CancellationToken stopping)
    {
        if (ring.Staleness is StartupException problem)
        {
            Log.KeysNotRead(logger, problem);
        }

        var live = (await storage.ListAllAsync<VaultKey>(index: null, stopping)).Count(key => key.RetiredAt is null);
        if (live < 2)
        {
            return Poll;
        }

        if (await rewrap.RunAsync(Report, anew: false, stopping) != RewrapOutcome.Done)
        {
            return Soon;
        }

        foreach (var retired in await rewrap.RetireAsync(options.Keys.RetireAfter, stopping))
        {
            Log.KeyRetired(logger, retired.Id);
        }

        return Poll;
    }

    private void Report(KeyRewrapState state)
    {
        if (state.FinishedAt is not null)
        {
            Log.RewrapFinished(logger, state.RewrappedInAll, state.KeyId, state.LeftBehind);
            return;
        }

        if (_lineAt == 0 || Stopwatch.GetElapsedTime(_lineAt) >= BetweenLines)
        {
            _lineAt = Stopwatch.GetTimestamp();
            Log.RewrapProgress(logger, state.KeyId, state.Pass, state.Done, state.Total, state.RewrappedInAll);
        }
    }
}
