using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

/// <summary>A storage that counts reads, can hold one up after it has read, and can lose contact with its watchers.</summary>
internal sealed class SlowStorage(IStorage inner) : IStorage
{
    private readonly List<Action<Change>> _observers = [];
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _release;
    private int _reads;

    public int Reads => _reads;

    public Task ReadIsHeld => _held.Task;

    public TaskCompletionSource HoldNextRead() => _release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LoseContact() => _observers.ForEach(observer => observer(new Change(null, "")));

    public async ValueTask<Entity?> FindAsync(string kind, string id, CancellationToken cancellationToken) =>
        await HoldAsync(await inner.FindAsync(kind, id, cancellationToken));

    public async ValueTask<Entity?> FindByKeyAsync(string kind, string keyName, string keyValue, CancellationToken cancellationToken) =>
        await HoldAsync(await inner.FindByKeyAsync(kind, keyName, keyValue, cancellationToken));

    public ValueTask<IReadOnlyList<Entity>> ListAsync(ListQuery query, CancellationToken cancellationToken) =>
        inner.ListAsync(query, cancellationToken);

    public ValueTask<long> CountAsync(ListQuery query, CancellationToken cancellationToken) => inner.CountAsync(query, cancellationToken);

    public ValueTask<CommitResult> CommitAsync(Batch batch) => inner.CommitAsync(batch);

    public ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditAsync(long afterSequence, int take, CancellationToken cancellationToken) =>
        inner.ReadAuditAsync(afterSequence, take, cancellationToken);

    public ValueTask<StoredAuditRow?> FindAuditAsync(string id, CancellationToken cancellationToken) => inner.FindAuditAsync(id, cancellationToken);

    public ValueTask<IReadOnlyList<StoredAuditRow>> ListAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
        inner.ListAuditAsync(query, cancellationToken);

    public ValueTask<long> CountAuditAsync(AuditQuery query, CancellationToken cancellationToken) => inner.CountAuditAsync(query, cancellationToken);

    public ValueTask<int> PurgeExpiredAsync(int limit, CancellationToken cancellationToken) => inner.PurgeExpiredAsync(limit, cancellationToken);

    public IDisposable Watch(Action<Change> observer)
    {
        _observers.Add(observer);
        return inner.Watch(observer);
    }

    public ValueTask ProbeAsync(CancellationToken cancellationToken) => inner.ProbeAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async Task<Entity?> HoldAsync(Entity? entity)
    {
        Interlocked.Increment(ref _reads);
        if (Interlocked.Exchange(ref _release, null) is { } release)
        {
            _held.SetResult();
            await release.Task;
        }

        return entity;
    }
}
