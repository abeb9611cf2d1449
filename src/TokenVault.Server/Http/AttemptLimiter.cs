using System.Collections.Concurrent;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Http;

/// <summary>
/// Counts failures per key (a client or user name together with the address it failed from, so that nobody can lock out another,
/// T-DO-07) and blocks the key for the rest of the window once there are too many (T-CA-02).
/// </summary>
internal sealed class AttemptLimiter(TimeProvider time)
{
    private const int Limit = 10;
    private const int Capacity = 50_000;
    private const int LongestKey = 256;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Count> _counts = new(StringComparer.Ordinal);

    /// <summary>Null when the key may try, else how long it has to wait.</summary>
    public TimeSpan? Blocked(string key)
    {
        var now = time.GetUtcNow();
        return _counts.TryGetValue(Short(key), out var count) && count.Failures >= Limit && count.Since + Window > now
            ? count.Since + Window - now
            : null;
    }

    public void Failed(string key) => Begin(key);

    /// <summary>
    /// Counts an attempt as failed before it is made, so that of many at once not each is the first. Null when it may be made, else how
    /// long the key has to wait.
    /// </summary>
    public TimeSpan? Begin(string key, int limit = Limit)
    {
        var now = time.GetUtcNow();
        if (_counts.Count >= Capacity)
        {
            Sweep(now);
        }

        var count = _counts.AddOrUpdate(
            Short(key),
            _ => new Count(1, now),
            (_, count) => count.Since + Window > now ? count with { Failures = count.Failures + 1 } : new Count(1, now));
        return count.Failures > limit ? count.Since + Window - now : null;
    }

    public void Succeeded(string key) => _counts.TryRemove(Short(key), out _);

    /// <summary>Takes back one attempt of a key that many share: one success does not excuse the others.</summary>
    public void Forgive(string key)
    {
        var name = Short(key);
        while (_counts.TryGetValue(name, out var count) && !_counts.TryUpdate(name, count with { Failures = Math.Max(0, count.Failures - 1) }, count))
        {
        }
    }

    private void Sweep(DateTimeOffset now)
    {
        foreach (var (key, count) in _counts)
        {
            // A flood of distinct keys must neither grow the table without bound nor wash away those that are blocked.
            if (count.Since + Window <= now || count.Failures < Limit)
            {
                _counts.TryRemove(key, out _);
            }
        }

        if (_counts.Count >= Capacity)
        {
            _counts.Clear();
        }
    }

    /// <summary>A stranger chooses the name in the key: it must not fill the memory.</summary>
    private static string Short(string key) => key.Length <= LongestKey ? key : Identifier.Hash(key);

    private sealed record Count(int Failures, DateTimeOffset Since);
}
