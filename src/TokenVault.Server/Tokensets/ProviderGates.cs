using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using TokenVault.Server.Connections;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Between this node and each connection's provider: at most 32 refreshes at once, so that a slow provider holds up nobody else
/// (T-DO-02, F-20), and a pause when it asks for one (429, F-13) or keeps failing (F-12).
/// </summary>
internal sealed class ProviderGates(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, ProviderGate> _gates = new(StringComparer.Ordinal);

    public ProviderGate Of(string connectionId) => _gates.GetOrAdd(connectionId, _ => new ProviderGate(time));
}

/// <summary>One connection's gate.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asked for holds nothing to dispose.")]
internal sealed class ProviderGate(TimeProvider time)
{
    private const int Places = 32;
    private const int FailuresToPause = 5;

    private static readonly TimeSpan FailureWindow = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _places = new(Places);
    private readonly Lock _gate = new();
    private int _failures;
    private DateTimeOffset _failingSince;
    private DateTimeOffset _pausedUntil;

    public TimeSpan? Paused
    {
        get
        {
            lock (_gate)
            {
                var left = _pausedUntil - time.GetUtcNow();
                return left > TimeSpan.Zero ? left : null;
            }
        }
    }

    public async Task<IDisposable> EnterAsync()
    {
        await _places.WaitAsync();
        return new Place(_places);
    }

    public void Succeeded()
    {
        lock (_gate)
        {
            _failures = 0;
        }
    }

    /// <summary>A dead grant is one user's affair; everything else may be the provider's.</summary>
    public void Failed(ProviderFailure failure)
    {
        if (failure.Kind is ProviderFailureKind.GrantRejected or ProviderFailureKind.IdentityRejected)
        {
            return;
        }

        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (failure.RetryAfter is { } named)
            {
                _pausedUntil = Later(_pausedUntil, now + named);
            }

            if (now - _failingSince > FailureWindow)
            {
                _failures = 0;
                _failingSince = now;
            }

            if (++_failures >= FailuresToPause)
            {
                _pausedUntil = Later(_pausedUntil, now + Pause);
                _failures = 0;
            }
        }
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private sealed class Place(SemaphoreSlim places) : IDisposable
    {
        public void Dispose() => places.Release();
    }
}
