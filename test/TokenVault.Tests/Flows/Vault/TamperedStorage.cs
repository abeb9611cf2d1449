using TokenVault.Server.Storage;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A node's way to the store, which a test can cut, or use to act between two steps.</summary>
internal sealed class TamperedStorage(IStorage inner) : IStorage
{
    /// <summary>Every access throws.</summary>
    public bool IsAway { get; set; }

    /// <summary>Commits that are refused although the store is there.</summary>
    public Func<Batch, bool> Refuses { get; set; } = _ => false;

    /// <summary>Called after each commit, before the caller knows of it.</summary>
    public Action<Batch> Committed { get; set; } = _ => { };

    public static bool Claims(Batch batch) => batch.Operations.OfType<AcquireLeaseOperation>().Any();

    public static bool Renews(Batch batch) => batch.Operations.OfType<RenewLeaseOperation>().Any();

    public static bool Lands(Batch batch) => batch.Operations.OfType<PutOperation>().Any();

    public ValueTask<Entity?> FindAsync(string kind, string id, CancellationToken cancellationToken) => Here().FindAsync(kind, id, cancellationToken);

    public ValueTask<Entity?> FindByKeyAsync(string kind, string keyName, string keyValue, CancellationToken cancellationToken) =>
        Here().FindByKeyAsync(kind, keyName, keyValue, cancellationToken);

    public ValueTask<IReadOnlyList<Entity>> ListAsync(ListQuery query, CancellationToken cancellationToken) => Here().ListAsync(query, cancellationToken);

    public ValueTask<long> CountAsync(ListQuery query, CancellationToken cancellationToken) => Here().CountAsync(query, cancellationToken);

    public async ValueTask<CommitResult> CommitAsync(Batch batch)
    {
        if (Refuses(batch))
        {
            throw new IOException("The store is away for this commit.");
        }

        var result = await Here().CommitAsync(batch);
        Committed(batch);
        return result;
    }

    public ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditAsync(long afterSequence, int take, CancellationToken cancellationToken) =>
        Here().ReadAuditAsync(afterSequence, take, cancellationToken);

    public ValueTask<StoredAuditRow?> FindAuditAsync(string id, CancellationToken cancellationToken) => Here().FindAuditAsync(id, cancellationToken);

    public ValueTask<IReadOnlyList<StoredAuditRow>> ListAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
        Here().ListAuditAsync(query, cancellationToken);

    public ValueTask<long> CountAuditAsync(AuditQuery query, CancellationToken cancellationToken) => Here().CountAuditAsync(query, cancellationToken);

    public ValueTask<int> PurgeExpiredAsync(int limit, CancellationToken cancellationToken) => Here().PurgeExpiredAsync(limit, cancellationToken);

    public IDisposable Watch(Action<Change> observer) => inner.Watch(observer);

    public ValueTask ProbeAsync(CancellationToken cancellationToken) => Here().ProbeAsync(cancellationToken);

    /// <summary>The store belongs to the server beside which this node runs.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private IStorage Here() => IsAway ? throw new IOException("The store is away.") : inner;
}
