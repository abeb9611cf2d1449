namespace TokenVault.Server.Connections;

/// <summary>
/// A deadline that counts only the time in which this process ran. One that stood still for longer (a virtual machine that was moved,
/// SIGSTOP) finds the answer that came meanwhile in the socket's buffer: it may be the only copy of a refresh token, and is read
/// before the call is given up (F-05).
/// </summary>
internal sealed class RunningDeadline : IDisposable
{
    private const int Parts = 16;

    private readonly CancellationTokenSource _over = new();
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly TimeSpan _part;
    private readonly ITimer _timer;
    private long _last;
    private int _left = Parts;
    private int _spared;
    private bool _disposed;

    public RunningDeadline(TimeSpan patience, TimeProvider time)
    {
        _time = time;
        _part = patience / Parts;
        _last = time.GetTimestamp();
        _timer = time.CreateTimer(_ => EndPart(), state: null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(_part, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Cancelled when the time is over.</summary>
    public CancellationToken Token => _over.Token;

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        _timer.Dispose();
        _over.Dispose();
    }

    private void EndPart()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            // Not without end: a machine that is always late still comes to its deadline.
            var now = _time.GetTimestamp();
            var stoodStill = _time.GetElapsedTime(_last, now) > 2 * _part && _spared++ < Parts;
            _last = now;
            if (stoodStill || --_left > 0)
            {
                _timer.Change(_part, Timeout.InfiniteTimeSpan);
                return;
            }
        }

        try
        {
            _over.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call has ended in this very moment.
        }
    }
}
