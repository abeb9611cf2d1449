namespace TokenVault.Server.Storage;

/// <summary>
/// A storage engine. Everything a commit contains is durable when <see cref="CommitAsync"/> returns, and all or nothing of it is there.
/// Reads see every commit that returned before they began. Expired rows are treated as absent everywhere.
/// </summary>
internal interface IStorage : IAsyncDisposable
{
    /// <summary>The live row of this kind and id, or null.</summary>
    ValueTask<Entity?> FindAsync(string kind, string id, CancellationToken cancellationToken);

    /// <summary>The live row of this kind that holds the unique key, or null.</summary>
    ValueTask<Entity?> FindByKeyAsync(string kind, string keyName, string keyValue, CancellationToken cancellationToken);

    /// <summary>Live rows of one kind in ascending byte order of their ids.</summary>
    ValueTask<IReadOnlyList<Entity>> ListAsync(ListQuery query, CancellationToken cancellationToken);

    /// <summary>How many live rows <paramref name="query"/> has in all; <c>After</c>, <c>Offset</c> and <c>Take</c> are ignored.</summary>
    ValueTask<long> CountAsync(ListQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Applies the batch atomically, in the order of its operations, and returns when it is durable.
    /// A batch that cannot apply changes nothing and says which operation stood in the way.
    /// The operation is not cancellable once handed over: its outcome would be unknown.
    /// </summary>
    ValueTask<CommitResult> CommitAsync(Batch batch);

    /// <summary>Audit rows with a sequence number above <paramref name="afterSequence"/>, ascending.</summary>
    ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditAsync(long afterSequence, int take, CancellationToken cancellationToken);

    /// <summary>As <see cref="ReadAuditAsync"/>, but a row that has a seal comes without its body.</summary>
    ValueTask<IReadOnlyList<StoredAuditRow>> ReadAuditSealsAsync(long afterSequence, int take, CancellationToken cancellationToken);

    /// <summary>The audit row of this id, or null.</summary>
    ValueTask<StoredAuditRow?> FindAuditAsync(string id, CancellationToken cancellationToken);

    /// <summary>Audit rows in the order of their ids, which is that of their making; unlike a read by sequence, it may pass over rows under way.</summary>
    ValueTask<IReadOnlyList<StoredAuditRow>> ListAuditAsync(AuditQuery query, CancellationToken cancellationToken);

    /// <summary>How many rows <paramref name="query"/> has in all; <c>Offset</c> and <c>Take</c> are ignored.</summary>
    ValueTask<long> CountAuditAsync(AuditQuery query, CancellationToken cancellationToken);

    /// <summary>Removes up to <paramref name="limit"/> expired rows, and leases long past; returns how many rows.</summary>
    ValueTask<int> PurgeExpiredAsync(int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Calls the observer for every row that changed, here or on another node, until disposed. On the committing node the
    /// observer has been called before <see cref="CommitAsync"/> returns; elsewhere within a second. It delays every commit, so it must be
    /// quick and must not wait for storage. Rows that expire are not told of.
    /// </summary>
    IDisposable Watch(Action<Change> observer);

    /// <summary>Writes and reads a probe row; throws when the engine cannot serve.</summary>
    ValueTask ProbeAsync(CancellationToken cancellationToken);
}

/// <summary>A page of one kind, optionally only rows that carry an index key.</summary>
internal sealed record ListQuery(string Kind)
{
    /// <summary>Only rows that carry this non-unique key.</summary>
    public EntityKey? Index { get; init; }

    /// <summary>Only rows whose id is greater, byte by byte.</summary>
    public string? After { get; init; }

    public int Offset { get; init; }

    public int Take { get; init; } = 50;
}

/// <summary>
/// A row that was written or removed. A null kind means: anything may have changed (a watcher lost contact). A written row that has an
/// owner (<see cref="EntityKey.Owner"/>) is told of a second time under that owner, to whom it may be new.
/// </summary>
internal readonly record struct Change(string? Kind, string Id)
{
    /// <summary>The kind of changes that name the owner of a row instead of the row.</summary>
    public static string OwnerKind(string kind) => kind + "/owner";

    public static Change? OfOwner(Entity entity)
    {
        foreach (var key in entity.Keys)
        {
            if (key.Name == EntityKey.Owner)
            {
                return new Change(OwnerKind(entity.Kind), key.Value);
            }
        }

        return null;
    }
}

/// <summary>An audit row as stored: append only, numbered in commit order.</summary>
internal sealed record StoredAuditRow(long Sequence, string Id, DateTimeOffset At, byte[] Body)
{
    /// <summary>Whose row it is; what a user's log is found by.</summary>
    public string? UserId { get; init; }

    /// <summary>Null on rows of versions that made none.</summary>
    public byte[]? Mac { get; init; }
}

/// <summary>A part of the audit log.</summary>
internal sealed record AuditQuery
{
    /// <summary>Only rows of this user.</summary>
    public string? UserId { get; init; }

    /// <summary>Only rows whose id is greater, byte by byte.</summary>
    public string Above { get; init; } = "";

    /// <summary>Only rows whose id is less, byte by byte.</summary>
    public string Below { get; init; } = "\U0010FFFF";

    public bool Descending { get; init; }

    public int Offset { get; init; }

    public int Take { get; init; } = 50;
}

/// <summary>What became of a batch.</summary>
internal sealed record CommitResult(CommitOutcome Outcome, int FailedOperation = -1)
{
    /// <summary>The fencing number of the lease the batch acquired, else 0. Numbers of one lease name only ever grow.</summary>
    public long Fence { get; init; }

    public bool Committed => Outcome == CommitOutcome.Committed;
}

internal enum CommitOutcome
{
    Committed,

    /// <summary>An insert met a live row of that id, or a unique key that another live row holds.</summary>
    Duplicate,

    /// <summary>A replace, delete or require met another version, or no row.</summary>
    VersionConflict,

    /// <summary>The lease is held by another owner, or the fence is no longer the current one.</summary>
    LeaseConflict,
}
