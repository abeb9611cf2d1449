using TokenVault.Server.Storage;

namespace TokenVault.Testing;

/// <summary>A way to a store that hands everything on; a test's own overrides what it wants to see or to spoil.</summary>
internal abstract class StorageDecorator(IStorage inner) : IStorage
{
    /// <summary>Asked for at every call; may throw.</summary>
    protected virtual IStorage Inner => inner;

    public virtual ValueTask<Entity?> FindAsync(string kind, string id, CancellationToken cancellationToken) => Inner.FindAsync(kind, id, cancellationToken);

    public virtual ValueTask<Entity?> FindByKeyAsync(string kind, string keyName, string keyValue, CancellationToken cancellationToken) =>
        Inner.FindByKeyAsync(kind, keyName, keyValue, cancellationToken);

    public virtual ValueTask<IReadOnlyList<Entity>> ListAsync(ListQuery query, CancellationToken cancellationToken) => Inner.ListAsync(query, cancellationToken);

    public ValueTask<long> CountAsync(ListQuery query, CancellationToken cancellationToken) => Inner.CountAsync(query, cancellationToken);

    public virtual ValueTask<CommitResult> CommitAsync(Batch batch) => Inner.CommitAsync(batch);

    public ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditAsync(long afterSequence, int take, CancellationToken cancellationToken) =>
        Inner.ReadAuditAsync(afterSequence, take, cancellationToken);

    public ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditSealsAsync(long afterSequence, int take, CancellationToken cancellationToken) =>
        Inner.ReadAuditSealsAsync(afterSequence, take, cancellationToken);

    public ValueTask<StoredAuditRow?> FindAuditAsync(string id, CancellationToken cancellationToken) => Inner.FindAuditAsync(id, cancellationToken);

    public ValueTask<IReadOnlyList<StoredAuditRow>> ListAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
        Inner.ListAuditAsync(query, cancellationToken);

    public ValueTask<long> CountAuditAsync(AuditQuery query, CancellationToken cancellationToken) => Inner.CountAuditAsync(query, cancellationToken);

    public ValueTask<int> PurgeExpiredAsync(int limit, CancellationToken cancellationToken) => Inner.PurgeExpiredAsync(limit, cancellationToken);

    public virtual IDisposable Watch(Action<Change> observer) => inner.Watch(observer);

    public virtual ValueTask ProbeAsync(CancellationToken cancellationToken) => Inner.ProbeAsync(cancellationToken);

    /// <summary>The store belongs to whoever opened it.</summary>
    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
