using System.Collections.Concurrent;

namespace TokenVault.Client.Wire;

/// <summary>
/// Tokens by whose they are, in this process only. Callers who want the same at the same time share one request, which goes on when one of
/// them gives up. Failures are not kept.
/// </summary>
/// <param name="end">When a token ends.</param>
/// <param name="isShared">Whether others may have it, too; if not, it goes to the caller who asked first.</param>
internal sealed class TokenCache<T>(TokenVaultOptions options, TimeProvider time, Func<T, DateTimeOffset> end, Func<T, bool> isShared)
    where T : class
{
    private readonly ConcurrentDictionary<CacheKey, Entry> _entries = new();

    public async Task<T> GetAsync(CacheKey key, Func<CancellationToken, Task<T>> fetch, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            if (_entries.TryGetValue(key, out var entry))
            {
                if (entry.Until > time.GetUtcNow())
                {
                    var value = await entry.Value.Task.WaitAsync(cancellationToken);
                    if (isShared(value))
                    {
                        return value;
                    }

                    // It was dropped before it was given out.
                    continue;
                }

                _entries.TryRemove(KeyValuePair.Create(key, entry));
            }

            var mine = new Entry();
            if (_entries.TryAdd(key, mine))
            {
                _ = FillAsync(key, mine, fetch);
                return await mine.Value.Task.WaitAsync(cancellationToken);
            }
        }
    }

    /// <summary>Drops the token, unless another has taken its place.</summary>
    public void Forget(CacheKey key, Func<T, bool> isIt)
    {
        if (_entries.TryGetValue(key, out var entry) && entry.Value.Task is { IsCompletedSuccessfully: true } done && isIt(done.Result))
        {
            _entries.TryRemove(KeyValuePair.Create(key, entry));
        }
    }

    /// <summary>Drops whatever there is for this subject token, and what is under way.</summary>
    public void ForgetAll(SubjectToken subject)
    {
        foreach (var entry in _entries.Where(entry => entry.Key.Subject == subject.CacheKey))
        {
            _entries.TryRemove(entry);
        }
    }

    private async Task FillAsync(CacheKey key, Entry mine, Func<CancellationToken, Task<T>> fetch)
    {
        try
        {
            var value = await fetch(CancellationToken.None);
            var now = time.GetUtcNow();
            var (useful, allowed) = (end(value) - options.ExpiryMargin, isShared(value) ? now + options.MaxCacheAge : now);
            mine.Until = useful < allowed ? useful : allowed;
            if (mine.Until <= now)
            {
                _entries.TryRemove(KeyValuePair.Create(key, mine));
            }

            Trim(now);
            mine.Value.SetResult(value);
        }
        catch (Exception e)
        {
            _entries.TryRemove(KeyValuePair.Create(key, mine));
            mine.Value.SetException(e);

            // Everybody may have given up meanwhile.
            _ = mine.Value.Task.Exception;
        }
    }

    private void Trim(DateTimeOffset now)
    {
        if (_entries.Count <= options.MaxCachedTokens)
        {
            return;
        }

        var done = _entries.ToArray().Where(entry => entry.Value.Until < DateTimeOffset.MaxValue).OrderBy(entry => entry.Value.Until).ToArray();
        var many = done.Length - options.MaxCachedTokens * 9 / 10;
        foreach (var entry in done.Where((entry, index) => index < many || entry.Value.Until <= now))
        {
            _entries.TryRemove(entry);
        }
    }

    private sealed class Entry
    {
        private long _until = DateTimeOffset.MaxValue.UtcTicks;

        public TaskCompletionSource<T> Value { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Endless while it is under way.</summary>
        public DateTimeOffset Until
        {
            get => new(Volatile.Read(ref _until), TimeSpan.Zero);
            set => Volatile.Write(ref _until, value.UtcTicks);
        }
    }
}
