namespace TokenVault.Server.Connections;

/// <summary>
/// Something fetched from a provider that many need: one fetch at a time, shared by all who wait, kept while it is young enough,
/// and served on when the provider is away. The fetch is nobody's to cancel.
/// </summary>
internal sealed class CachedFetch<T>(Func<Task<ProviderResult<T>>> fetch, TimeProvider time)
    where T : class
{
    private static readonly TimeSpan FailureInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private ProviderResult<T>? _last;
    private Task<ProviderResult<T>>? _running;
    private DateTimeOffset _fetchedAt;
    private DateTimeOffset _failedAt = DateTimeOffset.MinValue;

    /// <summary>The value fetched last, however old it is; null when there is none.</summary>
    public T? Held
    {
        get
        {
            lock (_gate)
            {
                return _last?.Value;
            }
        }
    }

    /// <summary>The value, not older than asked if the provider can be reached at all.</summary>
    public Task<ProviderResult<T>> GetAsync(TimeSpan maxAge, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (_running is null)
            {
                var young = _last is { Value: not null } && now - _fetchedAt <= maxAge;
                var failedJustNow = now - _failedAt < FailureInterval;
                if (_last is not null && (young || failedJustNow))
                {
                    return Task.FromResult(_last);
                }

                _running = FetchAsync();
            }

            return _running.WaitAsync(cancellationToken);
        }
    }

    private async Task<ProviderResult<T>> FetchAsync()
    {
        // The gate is held by the caller until this first leaves its thread.
        await Task.Yield();
        ProviderResult<T> fetched;
        try
        {
            fetched = await fetch();
        }
        catch (Exception)
        {
            lock (_gate)
            {
                _running = null;
            }

            throw;
        }

        lock (_gate)
        {
            _running = null;
            if (fetched.Failure is null)
            {
                _fetchedAt = time.GetUtcNow();
                _last = fetched;
                return fetched;
            }

            _failedAt = time.GetUtcNow();
            _last = _last is { Value: not null } ? _last : fetched;
            return _last;
        }
    }
}
