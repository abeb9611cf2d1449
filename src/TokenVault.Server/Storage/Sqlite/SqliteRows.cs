namespace TokenVault.Server.Storage.Sqlite;

/// <summary>Writes of rows and their keys, on the writer's connection and inside its transaction.</summary>
internal sealed class SqliteRows(SqliteConnection connection, SqliteVersions versions)
{
    /// <summary>The <paramref name="now"/> of every method is the batch's: what had expired by then is not there.</summary>
    public CommitOutcome Insert(Entity entity, long now)
    {
        versions.Forget(entity.Kind, entity.Id);
        if (!TryInsertRow(entity))
        {
            if (FindRow(entity.Kind, entity.Id) is not { } dead || IsLive(dead.ExpiresAt, now))
            {
                return CommitOutcome.Duplicate;
            }

            Remove(dead.Row);
            TryInsertRow(entity);
        }

        return WriteKeys(connection.LastInsertRow, entity, now);
    }

    public CommitOutcome Replace(Entity entity, long now) =>
        TryUpdate(entity, now) is { } row ? RewriteKeys(row, entity, now) : CommitOutcome.VersionConflict;

    /// <summary>Keys are as they were.</summary>
    public CommitOutcome Update(Entity entity, long now) =>
        TryUpdate(entity, now) is null ? CommitOutcome.VersionConflict : CommitOutcome.Committed;

    public CommitOutcome Put(Entity entity, long now)
    {
        versions.Forget(entity.Kind, entity.Id);
        if (FindRow(entity.Kind, entity.Id) is not { } found)
        {
            return Insert(entity, now);
        }

        if (!IsLive(found.ExpiresAt, now))
        {
            Remove(found.Row);
            return Insert(entity, now);
        }

        connection.Use("UPDATE entity SET version = version + 1, expires_at = ?1, body = ?2 WHERE row = ?3")
            .Bind(1, entity.ExpiresAt?.ToMicroseconds()).Bind(2, entity.Body).Bind(3, found.Row)
            .Run();
        return RewriteKeys(found.Row, entity, now);
    }

    /// <summary>Another body for what the row says already; nothing when it has moved on.</summary>
    public void Rewrite(Entity entity, long now) =>
        connection.Use("UPDATE entity SET body = ?1 WHERE kind = ?2 AND id = ?3 AND version = ?4 AND (expires_at IS NULL OR expires_at > ?5)")
            .Bind(1, entity.Body).Bind(2, entity.Kind).Bind(3, entity.Id).Bind(4, entity.Version).Bind(5, now)
            .Run();

    public CommitOutcome Delete(string kind, string id, long version, long now)
    {
        versions.Forget(kind, id);
        if (FindRow(kind, id) is not { } found || found.Version != version || !IsLive(found.ExpiresAt, now))
        {
            return CommitOutcome.VersionConflict;
        }

        Remove(found.Row);
        return CommitOutcome.Committed;
    }

    public CommitOutcome Require(string kind, string id, long version, long now)
    {
        var known = versions.Find(kind, id);
        if (known is null && FindRow(kind, id) is { } found)
        {
            known = (found.Version, found.ExpiresAt);
            versions.Keep(kind, id, found.Version, found.ExpiresAt);
        }

        return known?.Version == version && IsLive(known.Value.ExpiresAt, now) ? CommitOutcome.Committed : CommitOutcome.VersionConflict;
    }

    /// <summary>Removes the rows with this index key and adds them to <paramref name="changes"/>.</summary>
    public void DeleteIndexed(string name, string value, List<Change> changes)
    {
        var rows = new List<long>();
        using (var query = connection.Use("SELECT row, kind, id FROM index_key WHERE name = ?1 AND value = ?2"))
        {
            query.Bind(1, name).Bind(2, value);
            while (query.Step())
            {
                var (kind, id) = (query.Text(1), query.Text(2));
                rows.Add(query.Long(0));
                changes.Add(new Change(kind, id));
                versions.Forget(kind, id);
            }
        }

        rows.ForEach(Remove);
    }

    public int PurgeExpired(int limit, long now)
    {
        var rows = new List<long>();
        using (var query = connection.Use("SELECT row FROM entity WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2"))
        {
            query.Bind(1, now).Bind(2, limit);
            while (query.Step())
            {
                rows.Add(query.Long(0));
            }
        }

        rows.ForEach(RemoveUnnamed);
        return rows.Count;
    }

    private static bool IsLive(long? expiresAt, long now) => expiresAt is null || expiresAt > now;

    private long? TryUpdate(Entity entity, long now)
    {
        versions.Forget(entity.Kind, entity.Id);
        using var update = connection.Use(
            """
            UPDATE entity SET version = version + 1, expires_at = ?1, body = ?2
            WHERE kind = ?3 AND id = ?4 AND version = ?5 AND (expires_at IS NULL OR expires_at > ?6)
            RETURNING row
            """);
        update.Bind(1, entity.ExpiresAt?.ToMicroseconds()).Bind(2, entity.Body);
        update.Bind(3, entity.Kind).Bind(4, entity.Id).Bind(5, entity.Version).Bind(6, now);
        return update.Step() ? update.Long(0) : null;
    }

    private bool TryInsertRow(Entity entity) =>
        connection.Use("INSERT INTO entity (kind, id, version, expires_at, body) VALUES (?1, ?2, 1, ?3, ?4) ON CONFLICT (kind, id) DO NOTHING")
            .Bind(1, entity.Kind).Bind(2, entity.Id).Bind(3, entity.ExpiresAt?.ToMicroseconds()).Bind(4, entity.Body)
            .RunCounting() == 1;

    private (long Row, long Version, long? ExpiresAt)? FindRow(string kind, string id)
    {
        using var query = connection.Use("SELECT row, version, expires_at FROM entity WHERE kind = ?1 AND id = ?2");
        query.Bind(1, kind).Bind(2, id);
        return query.Step() ? (query.Long(0), query.Long(1), query.LongOrNull(2)) : null;
    }

    private CommitOutcome WriteKeys(long row, Entity entity, long now)
    {
        foreach (var key in entity.Keys)
        {
            if (!key.Unique)
            {
                connection.Use("INSERT OR IGNORE INTO index_key (name, value, kind, id, row) VALUES (?1, ?2, ?3, ?4, ?5)")
                    .Bind(1, key.Name).Bind(2, key.Value).Bind(3, entity.Kind).Bind(4, entity.Id).Bind(5, row)
                    .Run();
                continue;
            }

            if (!TryWriteUniqueKey(row, entity.Kind, key) && !TakeOverUniqueKey(row, entity.Kind, key, now))
            {
                return CommitOutcome.Duplicate;
            }
        }

        return CommitOutcome.Committed;
    }

    private bool TryWriteUniqueKey(long row, string kind, EntityKey key) =>
        connection.Use("INSERT INTO unique_key (kind, name, value, row) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")
            .Bind(1, kind).Bind(2, key.Name).Bind(3, key.Value).Bind(4, row)
            .RunCounting() == 1;

    /// <summary>True when the holder is the row itself, or one that has expired and is removed for it.</summary>
    private bool TakeOverUniqueKey(long row, string kind, EntityKey key, long now)
    {
        long holder;
        using (var query = connection.Use(
            """
            SELECT k.row, e.expires_at FROM unique_key k JOIN entity e ON e.row = k.row
            WHERE k.kind = ?1 AND k.name = ?2 AND k.value = ?3
            """))
        {
            query.Bind(1, kind).Bind(2, key.Name).Bind(3, key.Value);
            query.Step();
            holder = query.Long(0);
            if (holder == row)
            {
                return true;
            }

            if (IsLive(query.LongOrNull(1), now))
            {
                return false;
            }
        }

        RemoveUnnamed(holder);
        return TryWriteUniqueKey(row, kind, key);
    }

    private CommitOutcome RewriteKeys(long row, Entity entity, long now)
    {
        // Most replaces leave the keys alone, and then nothing is written.
        if (ReadKeys(row).SetEquals(entity.Keys))
        {
            return CommitOutcome.Committed;
        }

        RemoveKeys(row);
        return WriteKeys(row, entity, now);
    }

    private HashSet<EntityKey> ReadKeys(long row)
    {
        var keys = new HashSet<EntityKey>();
        using var query = connection.Use(
            "SELECT name, value, 1 FROM unique_key WHERE row = ?1 UNION ALL SELECT name, value, 0 FROM index_key WHERE row = ?1");
        query.Bind(1, row);
        while (query.Step())
        {
            keys.Add(new EntityKey(query.Text(0), query.Text(1), Unique: query.Long(2) == 1));
        }

        return keys;
    }

    private void RemoveUnnamed(long row)
    {
        versions.ForgetAll();
        Remove(row);
    }

    private void Remove(long row)
    {
        RemoveKeys(row);
        connection.Use("DELETE FROM entity WHERE row = ?1").Bind(1, row).Run();
    }

    private void RemoveKeys(long row)
    {
        connection.Use("DELETE FROM unique_key WHERE row = ?1").Bind(1, row).Run();
        connection.Use("DELETE FROM index_key WHERE row = ?1").Bind(1, row).Run();
    }
}
