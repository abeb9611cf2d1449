using System.Threading.Channels;

namespace TokenVault.Server.Storage;

/// <summary>Reads something again in the background whenever rows of one kind may have changed, and until that has succeeded.</summary>
internal sealed class ChangeFollower : IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly string _kind;
    private readonly Func<CancellationToken, Task> _reload;
    private readonly TimeProvider _time;
    private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _closing = new();
    private readonly IDisposable _watch;
    private Task _following = Task.CompletedTask;

    /// <summary>Watching begins here: what is read afterwards misses no change.</summary>
    public ChangeFollower(IStorage storage, string kind, Func<CancellationToken, Task> reload, TimeProvider time)
    {
        _kind = kind;
        _reload = reload;
        _time = time;
        _watch = storage.Watch(Notice);
    }

    /// <summary>Why the last change could not be read yet; null when what was read is fresh. It is tried again every second.</summary>
    public Exception? Staleness { get; private set; }

    public void Start() => _following = FollowAsync(_closing.Token);

    public async ValueTask DisposeAsync()
    {
        _watch.Dispose();
        await _closing.CancelAsync();
        await _following;
        _closing.Dispose();
    }

    private void Notice(Change change)
    {
        if (change.Kind is null || change.Kind == _kind)
        {
            _changes.Writer.TryWrite(change);
        }
    }

    private async Task FollowAsync(CancellationToken closing)
    {
        while (!closing.IsCancellationRequested)
        {
            try
            {
                await _changes.Reader.ReadAsync(closing);
                await _reload(closing);
                Staleness = null;
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Staleness = e;
                _changes.Writer.TryWrite(default);
                await Task.Delay(RetryAfter, _time, closing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
