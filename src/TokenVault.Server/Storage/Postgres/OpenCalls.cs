namespace TokenVault.Server.Storage.Postgres;

/// <summary>Counts the calls that are under way, so that a clean close can wait for them.</summary>
internal sealed class OpenCalls
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private bool _closed;

    /// <exception cref="ObjectDisposedException">The storage was closed.</exception>
    public async ValueTask<T> RunAsync<T>(Func<Task<T>> call)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(PostgresStorage));
            _count++;
        }

        try
        {
            return await call();
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Refuses calls from now on and returns when the last one has ended. False when it was closed before.</summary>
    public async Task<bool> CloseAsync()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            _closed = true;
            if (_count == 0)
            {
                _ended.SetResult();
            }
        }

        await _ended.Task;
        return true;
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_count == 0 && _closed)
            {
                _ended.SetResult();
            }
        }
    }
}
