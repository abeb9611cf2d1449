namespace TokenVault.Server.Storage.Sqlite;

/// <summary>A batch that waits for the writer.</summary>
internal sealed class SqliteCommit(Batch batch) : SqliteJob<CommitResult>
{
    private static readonly CommitResult Committed = new(CommitOutcome.Committed);

    /// <summary>Conditions come first: when one is not met, nothing has been written, and a single row is written or not.</summary>
    public override bool WritesAtOnce { get; } = IsWrittenAtOnce(batch.Operations);

    protected override bool IsKept(CommitResult result) => result.Committed;

    protected override CommitResult Run(SqliteTables tables)
    {
        var now = tables.Now;
        var fence = 0L;
        for (var i = 0; i < batch.Operations.Count; i++)
        {
            var outcome = Run(batch.Operations[i], tables, now, ref fence);
            if (outcome != CommitOutcome.Committed)
            {
                return new CommitResult(outcome, i);
            }
        }

        return fence == 0 ? Committed : Committed with { Fence = fence };
    }

    private static bool IsWrittenAtOnce(IReadOnlyList<Operation> operations)
    {
        for (var i = 0; i < operations.Count - 1; i++)
        {
            if (operations[i] is not RequireOperation)
            {
                return false;
            }
        }

        return operations.Count > 0 && operations[^1] is AppendOperation or UpdateOperation;
    }

    private static CommitOutcome LeaseOutcome(bool kept) => kept ? CommitOutcome.Committed : CommitOutcome.LeaseConflict;

    private static CommitOutcome Append(AuditRow row, SqliteConnection connection)
    {
        connection.Use("INSERT INTO audit (id, at, body, user_id, mac) VALUES (?1, ?2, ?3, ?4, ?5)")
            .Bind(1, row.Id).Bind(2, row.At.ToMicroseconds()).Bind(3, row.Body).BindOrNull(4, row.UserId).BindOrNull(5, row.Mac)
            .Run();
        return CommitOutcome.Committed;
    }

    private CommitOutcome Run(Operation operation, SqliteTables tables, long now, ref long fence)
    {
        switch (operation)
        {
            case InsertOperation insert:
                return Changed(insert.Entity, tables.Rows.Insert(insert.Entity, now));
            case ReplaceOperation replace:
                return Changed(replace.Entity, tables.Rows.Replace(replace.Entity, now));
            case UpdateOperation update:
                return Changed(update.Entity, tables.Rows.Update(update.Entity, now));
            case PutOperation put:
                return Changed(put.Entity, tables.Rows.Put(put.Entity, now));
            case RewriteOperation rewrite:
                tables.Rows.Rewrite(rewrite.Entity, now);
                return CommitOutcome.Committed;
            case DeleteOperation delete:
                return Changed(delete.Kind, delete.Id, tables.Rows.Delete(delete.Kind, delete.Id, delete.Version, now));
            case RequireOperation require:
                return tables.Rows.Require(require.Kind, require.Id, require.Version, now);
            case DeleteIndexedOperation indexed:
                tables.Rows.DeleteIndexed(indexed.Name, indexed.Value, Changes);
                return CommitOutcome.Committed;
            case AppendOperation append:
                return Append(append.Row, tables.Connection);
            case DropAuditOperation drop:
                tables.Connection.Use("DELETE FROM audit WHERE sequence <= ?1").Bind(1, drop.ThroughSequence).Run();
                SqliteLogIndex.Drop(tables.Connection, drop.ThroughSequence);
                return CommitOutcome.Committed;
            case AcquireLeaseOperation acquire:
                fence = tables.Leases.Acquire(acquire, now);
                return LeaseOutcome(fence != 0);
            case RenewLeaseOperation renew:
                return LeaseOutcome(tables.Leases.Renew(renew, now));
            case RequireFenceOperation require:
                return LeaseOutcome(tables.Leases.IsNewest(require.Name, require.Fence));
            case ReleaseLeaseOperation release:
                tables.Leases.Release(release, now);
                return CommitOutcome.Committed;
            default:
                throw new NotSupportedException($"The SQLite engine has no {operation.GetType().Name}.");
        }
    }

    private CommitOutcome Changed(Entity entity, CommitOutcome outcome)
    {
        if (Change.OfOwner(entity) is { } owner)
        {
            Changes.Add(owner);
        }

        return Changed(entity.Kind, entity.Id, outcome);
    }

    private CommitOutcome Changed(string kind, string id, CommitOutcome outcome)
    {
        Changes.Add(new Change(kind, id));
        return outcome;
    }
}
