using Npgsql;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// One batch, one transaction, two journeys to the database: all statements, then COMMIT. Until COMMIT is sent, whatever goes wrong has
/// changed nothing and is tried again; when contact is lost after that, nobody knows. A group of audit rows takes one journey.
/// </summary>
internal sealed class PostgresCommit(PostgresPool pool, PostgresNotices notices, TimeProvider time)
{
    public static CommitResult Committed { get; } = new(CommitOutcome.Committed);

    /// <exception cref="CommitOutcomeUnknownException">Contact was lost during COMMIT.</exception>
    /// <exception cref="StorageUnavailableException">Nothing was changed.</exception>
    public async Task<CommitResult> RunAsync(IReadOnlyList<Operation> operations)
    {
        if (operations.Count == 0)
        {
            return Committed;
        }

        try
        {
            // Whoever could not lock the rows in time insists in every second attempt.
            var attempts = 0;
            var (result, changes) = await pool.UseAsync(
                async connection => await TryAsync(connection, operations, attempts++ % 2 > 0) ?? (await TryAsync(connection, operations, insist: true))!.Value,
                CancellationToken.None);

            // After the connection was given back: an observer may read.
            notices.PublishOwn(changes);
            return result;
        }
        catch (CommitOutcomeUnknownException)
        {
            notices.HearOwn();
            throw;
        }
    }

    /// <summary>Batches of audit rows, and of a row each, in one commit, each with its own requirements, which decide for that batch alone.</summary>
    /// <returns>Which of them are committed. Of the others nothing is: a requirement is not met, or somebody is writing that row, or its row is there already.</returns>
    /// <exception cref="CommitOutcomeUnknownException">Contact was lost during COMMIT.</exception>
    /// <exception cref="StorageUnavailableException">No row was changed; that the audit rows are there is possible.</exception>
    public async Task<bool[]> AppendAsync(IReadOnlyList<IReadOnlyList<Operation>> batches)
    {
        var changes = batches.SelectMany(batch => batch).Select(Changed).OfType<Change>().ToList();
        try
        {
            var met = await pool.UseAsync(
                async connection => changes.Count == 0 && await TryAppendAllAsync(connection, batches)
                    ? [.. batches.Select(_ => true)]
                    : await TryAppendAsync(connection, batches, changes),
                CancellationToken.None);
            notices.PublishOwn(changes);
            return met;
        }
        catch (CommitOutcomeUnknownException)
        {
            notices.HearOwn();
            throw;
        }
    }

    private static void AddLeases(PostgresScript script, IReadOnlyList<Operation> operations)
    {
        for (script.Operation = 0; script.Operation < operations.Count; script.Operation++)
        {
            switch (operations[script.Operation])
            {
                case AcquireLeaseOperation acquire:
                    PostgresLeases.Acquire(script, acquire);
                    break;
                case RenewLeaseOperation renew:
                    PostgresLeases.Renew(script, renew);
                    break;
                case RequireFenceOperation require:
                    PostgresLeases.Require(script, require);
                    break;
                case ReleaseLeaseOperation release:
                    PostgresLeases.Release(script, release);
                    break;
            }
        }
    }

    private static void AddRows(PostgresRows rows, IReadOnlyList<Operation> run)
    {
        switch (run[0])
        {
            case RequireOperation when run.Count > 1:
                rows.Require([.. run.Cast<RequireOperation>()]);
                break;
            case PutOperation when run.Count > 1:
                rows.Put([.. run.Cast<PutOperation>().Select(put => put.Entity)]);
                break;
            case InsertOperation insert:
                rows.Insert(insert.Entity);
                break;
            case ReplaceOperation replace:
                rows.Replace(replace.Entity);
                break;
            case UpdateOperation update:
                rows.Update(update.Entity);
                break;
            case PutOperation put:
                rows.Put(put.Entity);
                break;
            case RewriteOperation rewrite:
                rows.Rewrite(rewrite.Entity);
                break;
            case DeleteOperation delete:
                rows.Delete(delete.Kind, delete.Id, delete.Version);
                break;
            case RequireOperation require:
                rows.Require(require.Kind, require.Id, require.Version);
                break;
            case DeleteIndexedOperation indexed:
                rows.DeleteIndexed(indexed.Name, indexed.Value);
                break;
            case AppendOperation or DropAuditOperation or AcquireLeaseOperation or RenewLeaseOperation or RequireFenceOperation or ReleaseLeaseOperation:
                break;
            default:
                throw new NotSupportedException($"The PostgreSQL engine has no {run[0].GetType().Name}.");
        }
    }

    private static bool Overwrites(Operation operation) =>
        operation is ReplaceOperation or UpdateOperation or PutOperation or RewriteOperation or DeleteOperation or DeleteIndexedOperation;

    private static Change? Changed(Operation operation) => operation switch
    {
        InsertOperation insert => new Change(insert.Entity.Kind, insert.Entity.Id),
        ReplaceOperation replace => new Change(replace.Entity.Kind, replace.Entity.Id),
        UpdateOperation update => new Change(update.Entity.Kind, update.Entity.Id),
        PutOperation put => new Change(put.Entity.Kind, put.Entity.Id),
        DeleteOperation delete => new Change(delete.Kind, delete.Id),
        _ => null,
    };

    private static Change? ChangedOwner(Operation operation) => operation switch
    {
        InsertOperation insert => Change.OfOwner(insert.Entity),
        ReplaceOperation replace => Change.OfOwner(replace.Entity),
        PutOperation put => Change.OfOwner(put.Entity),
        _ => null,
    };

    private static async Task CommitAsync(NpgsqlTransaction transaction)
    {
        try
        {
            await transaction.CommitAsync();
        }
        catch (NpgsqlException e) when (e is not PostgresException || PostgresFailures.IsBroken(e))
        {
            throw new CommitOutcomeUnknownException(e);
        }
    }

    /// <returns>Null: the rows could not be locked in time, and it has not insisted.</returns>
    private async Task<(CommitResult Result, List<Change> Changes)?> TryAsync(NpgsqlConnection connection, IReadOnlyList<Operation> operations, bool insist)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await using var script = new PostgresScript(connection);
        var changes = operations.Select(Changed).OfType<Change>().Distinct().ToList();

        // Nobody is in the way of what overwrites nothing. And which rows are removed by an index key is known, and they are locked, by the
        // statement that removes them, which may take its time.
        insist |= !operations.Any(Overwrites) || operations.Any(operation => operation is DeleteIndexedOperation);
        Fill(script, operations, changes, insist);
        try
        {
            if (await script.ExecuteAsync() is { } refused)
            {
                await transaction.RollbackAsync();
                return (refused, []);
            }
        }
        catch (PostgresException e) when (!insist && e.SqlState == PostgresErrorCodes.QueryCanceled)
        {
            await transaction.RollbackAsync();
            return null;
        }

        if (script.Removed.Count > 0)
        {
            await NotifyAsync(connection, script.Removed);
            changes.AddRange(script.Removed);
        }

        await CommitAsync(transaction);
        return (script.Fence == 0 ? Committed : Committed with { Fence = script.Fence }, changes);
    }

    private async Task NotifyAsync(NpgsqlConnection connection, IReadOnlyList<Change> removed)
    {
        await using var notify = new NpgsqlCommand(PostgresNotices.Sql, connection);
        notify.Parameters.AddRange(notices.Parameters(removed));
        await notify.ExecuteNonQueryAsync();
    }

    /// <summary>
    /// All of them, in one journey that commits by itself, or none. When contact is lost in it, nobody knows whether it was done, and it is
    /// done again all the same: an audit row that is there twice says nothing untrue, and nothing else is written here.
    /// </summary>
    private async Task<bool> TryAppendAllAsync(NpgsqlConnection connection, IReadOnlyList<IReadOnlyList<Operation>> batches)
    {
        await using var script = new PostgresScript(connection);
        PostgresAudit.AppendIfAllMet(script, [.. batches.SelectMany(batch => batch)], time.GetUtcNow().ToMicroseconds());
        return await script.ExecuteAsync() is null;
    }

    private async Task<bool[]> TryAppendAsync(NpgsqlConnection connection, IReadOnlyList<IReadOnlyList<Operation>> batches, List<Change> changes)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await using var script = new PostgresScript(connection);
        PostgresAudit.AppendWhereMet(script, batches, time.GetUtcNow().ToMicroseconds());
        if (changes.Count > 0)
        {
            script.RunQuery(PostgresNotices.Sql, notices.Parameters(changes));
        }

        await script.ExecuteAsync();
        await CommitAsync(transaction);
        var met = new bool[batches.Count];
        foreach (var place in script.Places)
        {
            met[place] = true;
        }

        return met;
    }

    /// <summary>Locks are taken in one order whatever the order of the operations: the gate, leases, then rows by kind and id.</summary>
    private void Fill(PostgresScript script, IReadOnlyList<Operation> operations, List<Change> changes, bool insist)
    {
        var overwrites = operations.Any(Overwrites);
        if (overwrites)
        {
            PostgresGate.Enter(script, insist);
        }

        var rows = new PostgresRows(script, time.GetUtcNow().ToMicroseconds());
        AddLeases(script, operations);
        var rewritten = operations.OfType<RewriteOperation>().Select(rewrite => new Change(rewrite.Entity.Kind, rewrite.Entity.Id));
        rows.Lock(changes.Concat(rewritten), operations.OfType<RequireOperation>().Select(require => new Change(require.Kind, require.Id)), hurry: !insist);
        changes.AddRange(operations.Select(ChangedOwner).OfType<Change>().Distinct());
        for (script.Operation = 0; script.Operation < operations.Count;)
        {
            var run = PostgresRun.At(operations, script.Operation);
            AddRows(rows, run);
            script.Operation += run.Count;
        }

        if (changes.Count > 0)
        {
            script.RunQuery(PostgresNotices.Sql, notices.Parameters(changes));
        }

        var audit = operations.OfType<AppendOperation>().Select(append => append.Row).ToList();
        if (audit.Count > 0)
        {
            PostgresAudit.Append(script, audit);
        }

        foreach (var drop in operations.OfType<DropAuditOperation>())
        {
            PostgresAudit.Drop(script, drop);
        }

        if (overwrites)
        {
            PostgresGate.Leave(script);
        }
    }
}
