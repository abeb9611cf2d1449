namespace TokenVault.Server.Storage;

/// <summary>What one commit does, all or nothing. Built by its methods, read by the engines.</summary>
internal sealed class Batch
{
    private readonly List<Operation> _operations = [];
    private int _conditions;

    public IReadOnlyList<Operation> Operations => _operations;

    /// <summary>Fails as duplicate when the id or one of the unique keys is taken by a live row.</summary>
    public Batch Insert<T>(T record)
        where T : class, IRecord<T> => Add(new InsertOperation(record.ToEntity()));

    /// <summary>
    /// Compare and swap: the stored version must still be the one <paramref name="record"/> was read at. Keys that the record no longer
    /// has are freed; fails as duplicate when another live row holds one of the unique keys.
    /// </summary>
    public Batch Replace<T>(T record)
        where T : class, IRecord<T> => Add(new ReplaceOperation(record.ToEntity()));

    /// <summary>As <see cref="Replace{T}"/>, of a record that has the very keys of the stored one: they are not looked at.</summary>
    public Batch Update<T>(T record)
        where T : class, IRecord<T> => Add(new UpdateOperation(record.ToEntity()));

    /// <summary>
    /// Writes whatever stands there: for rows whose last writer wins. The version becomes one more than that of the live row, else 1.
    /// Fails as duplicate when another live row holds one of the unique keys.
    /// </summary>
    public Batch Put<T>(T record)
        where T : class, IRecord<T> => Add(new PutOperation(record.ToEntity()));

    /// <summary>
    /// Writes the same content in another form: another body under the same version, keys and expiry, if the row still has that version.
    /// Otherwise nothing happens, and neither is that a failure. Observers are not told, since nothing that they could know has changed.
    /// </summary>
    public Batch Rewrite(Entity entity) => Add(new RewriteOperation(entity));

    /// <summary>Removes the row if it still has the version it was read at.</summary>
    public Batch Delete<T>(T record)
        where T : class, IRecord<T> => Add(new DeleteOperation(T.Kind, record.Id, record.Version));

    /// <summary>
    /// Fails unless the row still has the version it was read at; writes nothing. Such conditions are looked at before anything is
    /// changed, wherever in the building of the batch they were added.
    /// </summary>
    public Batch Require<T>(T record)
        where T : class, IRecord<T> => Require<T>(record.Id, record.Version);

    /// <summary>As <see cref="Require{T}(T)"/>.</summary>
    public Batch Require<T>(string id, long version)
        where T : class, IRecord<T>
    {
        _operations.Insert(_conditions++, new RequireOperation(T.Kind, id, version));
        return this;
    }

    /// <summary>Removes every row, of any kind, that carries this index key.</summary>
    public Batch DeleteIndexed(string name, string value) => Add(new DeleteIndexedOperation(name, value));

    /// <summary>Appends an audit row.</summary>
    public Batch Append(AuditRow row) => Add(new AppendOperation(row));

    /// <summary>Removes the audit rows up to and with this sequence number: their time is over.</summary>
    public Batch DropAudit(long throughSequence) => Add(new DropAuditOperation(throughSequence));

    /// <summary>
    /// Takes the lease for <paramref name="duration"/> by the engine's clock, when it is free, over, or already this owner's;
    /// every acquisition gets a higher fencing number.
    /// </summary>
    public Batch AcquireLease(string name, string owner, TimeSpan duration) => Add(new AcquireLeaseOperation(name, owner, duration));

    /// <summary>
    /// Prolongs the lease to <paramref name="duration"/> from now. Only the fence counts: it succeeds although the lease has run out, as
    /// long as nobody took it since; it fails when somebody did, even if theirs has run out too, and when it was given back.
    /// </summary>
    public Batch RenewLease(string name, long fence, TimeSpan duration) => Add(new RenewLeaseOperation(name, fence, duration));

    /// <summary>
    /// Fails unless this fence is the newest that was given out for the name: a zombie cannot write. A lease that is past for more than a
    /// day may have been forgotten, and then no fence of it is the newest.
    /// </summary>
    public Batch RequireFence(string name, long fence) => Add(new RequireFenceOperation(name, fence));

    /// <summary>Gives the lease back; no failure when it was lost meanwhile.</summary>
    public Batch ReleaseLease(string name, long fence) => Add(new ReleaseLeaseOperation(name, fence));

    public Batch Add(Operation operation)
    {
        _operations.Add(operation);
        return this;
    }
}

/// <summary>An audit row before it is stored.</summary>
internal sealed record AuditRow(string Id, DateTimeOffset At, byte[] Body)
{
    public string? UserId { get; init; }

    /// <summary>What makes it known as the server's own; every row that <c>AuditLog</c> makes has it.</summary>
    public byte[]? Mac { get; init; }
}

internal abstract record Operation;

internal sealed record InsertOperation(Entity Entity) : Operation;

internal sealed record ReplaceOperation(Entity Entity) : Operation;

internal sealed record UpdateOperation(Entity Entity) : Operation;

internal sealed record PutOperation(Entity Entity) : Operation;

internal sealed record RewriteOperation(Entity Entity) : Operation;

internal sealed record DeleteOperation(string Kind, string Id, long Version) : Operation;

internal sealed record RequireOperation(string Kind, string Id, long Version) : Operation;

internal sealed record DeleteIndexedOperation(string Name, string Value) : Operation;

internal sealed record AppendOperation(AuditRow Row) : Operation;

internal sealed record DropAuditOperation(long ThroughSequence) : Operation;

internal sealed record AcquireLeaseOperation(string Name, string Owner, TimeSpan Duration) : Operation;

internal sealed record RenewLeaseOperation(string Name, long Fence, TimeSpan Duration) : Operation;

internal sealed record RequireFenceOperation(string Name, long Fence) : Operation;

internal sealed record ReleaseLeaseOperation(string Name, long Fence) : Operation;
