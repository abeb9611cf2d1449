using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

/// <summary>A node's way to the store on which no notice of changes arrives, and which counts its lists.</summary>
internal sealed class DeafStorage(IStorage inner) : IStorage
{
    private int _lists;

    public int Lists => Volatile.Read(ref _lists);

    public ValueTask<Entity?> FindAsync(string kind, string id, CancellationToken cancellationToken) => inner.FindAsync(kind, id, cancellationToken);

    public ValueTask<Entity?> FindByKeyAsync(string kind, string keyName, string keyValue, CancellationToken cancellationToken) =>
        inner.FindByKeyAsync(kind, keyName, keyValue, cancellationToken);

    public ValueTask<IReadOnlyList<Entity>> ListAsync(ListQuery query, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _lists);
        return inner.ListAsync(query, cancellationToken);
    }

    public ValueTask<long> CountAsync(ListQuery query, CancellationToken cancellationToken) => inner.CountAsync(query, cancellationToken);

    public ValueTask<CommitResult> CommitAsync(Batch batch) => inner.CommitAsync(batch);

    public ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditAsync(long afterSequence, int take, CancellationToken cancellationToken) =>
        inner.ReadAuditAsync(afterSequence, take, cancellationToken);

    public ValueTask<StoredAuditRow?> FindAuditAsync(string id, CancellationToken cancellationToken) => inner.FindAuditAsync(id, cancellationToken);

    public ValueTask<IReadOnlyList<StoredAuditRow>> ListAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
        inner.ListAuditAsync(query, cancellationToken);

    public ValueTask<long> CountAuditAsync(AuditQuery query, CancellationToken cancellationToken) => inner.CountAuditAsync(query, cancellationToken);

    public ValueTask<int> PurgeExpiredAsync(int limit, CancellationToken cancellationToken) => inner.PurgeExpiredAsync(limit, cancellationToken);

    public IDisposable Watch(Action<Change> observer) => new Nothing();

    public ValueTask ProbeAsync(CancellationToken cancellationToken) => inner.ProbeAsync(cancellationToken);

    /// <summary>The store belongs to the test.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Nothing : IDisposable
    {
        public void Dispose()
        {
        }
    }
}
