using System.Collections.Concurrent;

namespace TokenVault.Server.Storage;

/// <summary>
/// The in-memory snapshot of the nouns that every request reads and administrators change (clients, connections, APIs, …).
/// A change, on any node, drops the entry within a second; a commit on this node drops it before the commit returns (T-ST-11).
/// </summary>
internal sealed class RecordCache : IDisposable
{
    private const int Capacity = 20_000;

    // Makes "nothing changed since the read, so keep it" one step; taken for misses and changes only.
    private readonly Lock _gate = new();

    private readonly IStorage _storage;
    private readonly ConcurrentDictionary<(string Kind, string Id), object> _records = new();
    private readonly ConcurrentDictionary<(string Kind, string Key, string Value), (string Id, object Record)> _byKey = new();
    private readonly IDisposable _watch;
    private readonly ConcurrentDictionary<string, long> _generations = new();

    public RecordCache(IStorage storage)
    {
        _storage = storage;
        _watch = storage.Watch(Drop);
    }

    /// <exception cref="CorruptRecordException">The row is not what it claims to be.</exception>
    public async ValueTask<T?> FindAsync<T>(string id, CancellationToken cancellationToken)
        where T : class, IRecord<T>
    {
        if (_records.TryGetValue((T.Kind, id), out var known))
        {
            return (T)known;
        }

        // A read that began before a change must not be kept after it.
        var generation = _generations.GetOrAdd(T.Kind, 0);
        var record = await _storage.FindAsync<T>(id, cancellationToken);
        Keep(record, generation);
        return record;
    }

    /// <exception cref="CorruptRecordException">The row is not what it claims to be.</exception>
    public async ValueTask<T?> FindByKeyAsync<T>(string keyName, string keyValue, CancellationToken cancellationToken)
        where T : class, IRecord<T>
    {
        // A cached key is only a pointer: the record it led to must still be the one that is known.
        if (_byKey.TryGetValue((T.Kind, keyName, keyValue), out var found)
            && _records.TryGetValue((T.Kind, found.Id), out var known)
            && ReferenceEquals(known, found.Record))
        {
            return (T)known;
        }

        var generation = _generations.GetOrAdd(T.Kind, 0);
        var record = await _storage.FindByKeyAsync<T>(keyName, keyValue, cancellationToken);
        if (Keep(record, generation) is not { } kept)
        {
            return record;
        }

        _byKey[(T.Kind, keyName, keyValue)] = (kept.Id, kept);
        return kept;
    }

    public void Dispose() => _watch.Dispose();

    /// <returns>What is known now, which other keys may have led to before; null when nothing is kept.</returns>
    private T? Keep<T>(T? record, long generation)
        where T : class, IRecord<T>
    {
        // Rows that expire are not administrators' nouns, and are not kept.
        if (record is null || record.ExpiresAt is not null)
        {
            return null;
        }

        lock (_gate)
        {
            if (_generations.GetValueOrDefault(T.Kind) != generation)
            {
                return null;
            }

            if (_records.TryGetValue((T.Kind, record.Id), out var known) && ((T)known).Version == record.Version)
            {
                return (T)known;
            }

            if (_records.Count >= Capacity)
            {
                Clear();
            }

            _records[(T.Kind, record.Id)] = record;
            return record;
        }
    }

    private void Drop(Change change)
    {
        lock (_gate)
        {
            if (change.Kind is null)
            {
                DropAll();
                return;
            }

            // Kinds that nobody asked this cache for (tokensets, sessions) cost nothing here.
            if (_generations.ContainsKey(change.Kind))
            {
                Advance(change.Kind);
                _records.TryRemove((change.Kind, change.Id), out _);
            }
        }
    }

    private void DropAll()
    {
        foreach (var kind in _generations.Keys)
        {
            Advance(kind);
        }

        Clear();
    }

    private void Advance(string kind) => _generations.AddOrUpdate(kind, 1, (_, generation) => generation + 1);

    private void Clear()
    {
        _records.Clear();
        _byKey.Clear();
    }
}
