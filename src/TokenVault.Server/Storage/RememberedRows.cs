using System.Collections.Concurrent;

namespace TokenVault.Server.Storage;

/// <summary>
/// Rows of one kind as they were read last, by what they were looked up by. They may have changed since: whoever goes by them commits what
/// follows together with the requirement that they have not (<see cref="Batch.Require{T}(T)"/>), and decides anything else from the store.
/// </summary>
internal sealed class RememberedRows<T> : IDisposable
    where T : class, IRecord<T>
{
    /// <summary>Of a row as it is stored, where there are as many as may be: more than that of a tokenset is seldom.</summary>
    private const long UsualBytes = 4 * 1024;

    /// <summary>What part is forgotten when there is too much.</summary>
    private const int Room = 16;

    /// <summary>What part is for what comes again only.</summary>
    private const int ForReturning = 2;

    private static readonly string OwnerKind = Change.OwnerKind(T.Kind);

    // Makes "nothing changed since the read, so keep it" one step.
    private readonly Lock _gate = new();

    private readonly IStorage _storage;
    private readonly int _most;
    private readonly TimeProvider _time;
    private readonly IDisposable _watch;

    private readonly ConcurrentDictionary<string, (T[] Rows, long Bytes)> _found = new(StringComparer.Ordinal);

    // What the row of an id is found by, where that is not the id.
    private readonly Dictionary<string, string> _lookups = new(StringComparer.Ordinal);

    private SeenLately? _seen;
    private int _count;
    private long _bytes;
    private long _changes;

    public RememberedRows(IStorage storage, TokenVaultOptions options, TimeProvider time)
    {
        _storage = storage;
        _most = options.Storage.RememberedRows;
        _time = time;
        _watch = storage.Watch(Forget);
    }

    private long MostBytes => _most * UsualBytes;

    /// <exception cref="CorruptRecordException">The row is not what it claims to be.</exception>
    public async ValueTask<T?> FindAsync(string id, Recall recall, CancellationToken cancellationToken)
    {
        if (Recalled(id, recall) is [var known])
        {
            return known;
        }

        var since = Moment;
        return Keep(id, await _storage.FindAsync(T.Kind, id, cancellationToken), since);
    }

    /// <exception cref="CorruptRecordException">The row is not what it claims to be.</exception>
    public async ValueTask<T?> FindByKeyAsync(string keyName, string keyValue, Recall recall, CancellationToken cancellationToken)
    {
        if (Recalled(keyValue, recall) is [var known])
        {
            return known;
        }

        var since = Moment;
        return Keep(keyValue, await _storage.FindByKeyAsync(T.Kind, keyName, keyValue, cancellationToken), since);
    }

    /// <summary>To be taken before what is to be kept is read.</summary>
    public long Moment => Volatile.Read(ref _changes);

    /// <summary>Those looked up by this before, if all of them are still live.</summary>
    public T[]? Recalled(string lookup, Recall recall)
    {
        if (!recall.IsAllowed || !_found.TryGetValue(lookup, out var found))
        {
            return null;
        }

        var now = _time.GetUtcNow();
        foreach (var row in found.Rows)
        {
            if (row.ExpiresAt <= now)
            {
                return null;
            }
        }

        recall.HasHappened = true;
        return found.Rows;
    }

    /// <summary>
    /// From half of the room on, what is not kept yet is kept when it comes again: of thousands of users who come once each, nobody drives out
    /// one who comes often, nor leaves rows behind that only a collection of the whole heap would free.
    /// </summary>
    /// <param name="lookup">What they are found by.</param>
    /// <param name="rows">All that are found by it; not empty.</param>
    /// <param name="bytes">How much they take as they are stored.</param>
    /// <param name="since">The <see cref="Moment"/> before the read: what was read before a change is not kept after it.</param>
    public void Keep(string lookup, T[] rows, long bytes, long since)
    {
        lock (_gate)
        {
            if (_changes != since || rows.Length > _most || bytes > MostBytes)
            {
                return;
            }

            Remove(lookup);
            if (IsMoreThan(_most - (_most / ForReturning), MostBytes - (MostBytes / ForReturning), rows.Length, bytes))
            {
                _seen ??= new SeenLately(_most);
                if (!_seen.Again(lookup))
                {
                    return;
                }
            }

            if (IsMoreThan(_most, MostBytes, rows.Length, bytes))
            {
                MakeRoom(rows.Length, bytes);
            }

            Add(lookup, rows, bytes);
        }
    }

    public void Dispose() => _watch.Dispose();

    private T? Keep(string lookup, Entity? row, long since)
    {
        if (row is null)
        {
            return null;
        }

        var record = row.ToRecord<T>();
        Keep(OwnSpelling(record, lookup), [record], row.Body.Length, since);
        return record;
    }

    /// <summary>The same characters, of the row's own where it has them: they need not be kept twice.</summary>
    private static string OwnSpelling(T record, string lookup) =>
        record.Id == lookup ? record.Id : record.Keys.FirstOrDefault(key => key.Value == lookup).Value ?? lookup;

    private bool IsMoreThan(long mostRows, long mostBytes, int rows, long bytes) => _count + rows > mostRows || _bytes + bytes > mostBytes;

    private void Add(string lookup, T[] rows, long bytes)
    {
        _found[lookup] = (rows, bytes);
        _bytes += bytes;
        _count += rows.Length;
        foreach (var row in rows)
        {
            if (row.Id != lookup)
            {
                _lookups[row.Id] = lookup;
            }
        }
    }

    /// <summary>Any of them: what is used comes back, and no bookkeeping of uses slows down the reads.</summary>
    private void MakeRoom(int rows, long bytes)
    {
        var (mostRows, mostBytes) = (_most - Math.Max(rows, _most / Room), MostBytes - Math.Max(bytes, MostBytes / Room));
        foreach (var (lookup, _) in _found)
        {
            if (!IsMoreThan(mostRows, mostBytes, 0, 0))
            {
                return;
            }

            Remove(lookup);
        }
    }

    private void Forget(Change change)
    {
        if (change.Kind is not null && change.Kind != T.Kind && change.Kind != OwnerKind)
        {
            return;
        }

        lock (_gate)
        {
            _changes++;
            if (change.Kind is null)
            {
                _found.Clear();
                _lookups.Clear();
                (_count, _bytes) = (0, 0);
            }
            else if (change.Kind == OwnerKind)
            {
                Remove(change.Id);
            }
            else
            {
                Remove(_lookups.GetValueOrDefault(change.Id, change.Id));
            }
        }
    }

    private void Remove(string lookup)
    {
        if (_found.TryRemove(lookup, out var gone))
        {
            _bytes -= gone.Bytes;
            _count -= gone.Rows.Length;
            foreach (var row in gone.Rows)
            {
                _lookups.Remove(row.Id);
            }
        }
    }
}

/// <summary>Whether remembered rows will do, and whether any did.</summary>
internal sealed class Recall
{
    public bool IsAllowed { get; private init; }

    public bool HasHappened { get; set; }

    public static Recall Allowed => new() { IsAllowed = true };

    /// <summary>What is stored now.</summary>
    public static Recall None { get; } = new();
}
