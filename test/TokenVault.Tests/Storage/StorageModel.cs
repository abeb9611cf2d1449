using System.Text;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

/// <summary>What a storage should do, in the simplest way that can be written: everything is copied, and searched from end to end.</summary>
internal sealed class StorageModel
{
    private List<Entity> _rows = [];

    public IReadOnlyList<Entity> Rows => _rows;

    /// <summary>Rows are dropped when they expire, for time only goes forward.</summary>
    public void Expire(DateTimeOffset now) => _rows.RemoveAll(row => row.ExpiresAt <= now);

    public CommitResult Commit(IReadOnlyList<Operation> operations, DateTimeOffset now)
    {
        Expire(now);
        var before = _rows.ToList();
        for (var i = 0; i < operations.Count; i++)
        {
            var outcome = Apply(operations[i]);
            if (outcome != CommitOutcome.Committed)
            {
                _rows = before;
                return new CommitResult(outcome, i);
            }

            // A row can be written that has expired already.
            Expire(now);
        }

        return new CommitResult(CommitOutcome.Committed);
    }

    public Entity? Find(string kind, string id) => _rows.SingleOrDefault(row => row.Kind == kind && row.Id == id);

    public Entity? FindByKey(string kind, EntityKey key) => _rows.SingleOrDefault(row => row.Kind == kind && row.Keys.Contains(key));

    public IEnumerable<Entity> List(ListQuery query) => _rows
        .Where(row => row.Kind == query.Kind && (query.Index is not { } index || row.Keys.Contains(index)))
        .OrderBy(row => Convert.ToHexString(Encoding.UTF8.GetBytes(row.Id)), StringComparer.Ordinal);

    private CommitOutcome Apply(Operation operation) => operation switch
    {
        InsertOperation insert => Find(insert.Entity.Kind, insert.Entity.Id) is null ? Write(insert.Entity, 1) : CommitOutcome.Duplicate,
        ReplaceOperation replace => HasVersion(replace.Entity.Kind, replace.Entity.Id, replace.Entity.Version)
            ? Write(replace.Entity, replace.Entity.Version + 1)
            : CommitOutcome.VersionConflict,
        UpdateOperation update => Find(update.Entity.Kind, update.Entity.Id) is { } row && row.Version == update.Entity.Version
            ? Write(update.Entity with { Keys = row.Keys }, row.Version + 1)
            : CommitOutcome.VersionConflict,
        PutOperation put => Write(put.Entity, (Find(put.Entity.Kind, put.Entity.Id)?.Version ?? 0) + 1),
        RewriteOperation rewrite => Rewrite(rewrite.Entity),
        DeleteOperation delete => HasVersion(delete.Kind, delete.Id, delete.Version) ? Delete(delete.Kind, delete.Id) : CommitOutcome.VersionConflict,
        RequireOperation require => HasVersion(require.Kind, require.Id, require.Version) ? CommitOutcome.Committed : CommitOutcome.VersionConflict,
        DeleteIndexedOperation indexed => DeleteIndexed(EntityKey.Index(indexed.Name, indexed.Value)),
        _ => throw new NotSupportedException(),
    };

    private bool HasVersion(string kind, string id, long version) => Find(kind, id)?.Version == version;

    private CommitOutcome Write(Entity entity, long version)
    {
        Delete(entity.Kind, entity.Id);
        if (entity.Keys.Any(key => key.Unique && FindByKey(entity.Kind, key) is not null))
        {
            return CommitOutcome.Duplicate;
        }

        _rows.Add(entity with { Version = version });
        return CommitOutcome.Committed;
    }

    private CommitOutcome Rewrite(Entity entity)
    {
        _rows = [.. _rows.Select(row =>
            row.Kind == entity.Kind && row.Id == entity.Id && row.Version == entity.Version ? row with { Body = entity.Body } : row)];
        return CommitOutcome.Committed;
    }

    private CommitOutcome Delete(string kind, string id)
    {
        _rows.RemoveAll(row => row.Kind == kind && row.Id == id);
        return CommitOutcome.Committed;
    }

    private CommitOutcome DeleteIndexed(EntityKey index)
    {
        _rows.RemoveAll(row => row.Keys.Contains(index));
        return CommitOutcome.Committed;
    }
}
