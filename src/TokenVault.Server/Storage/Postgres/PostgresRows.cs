using static TokenVault.Server.Storage.Postgres.PostgresValues;

namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// Writes of rows and their keys. Every statement takes its own view of the committed rows (READ COMMITTED) after it has waited for the
/// locks of others, so each check holds at the moment when the rows are locked, and keys go with their row by the foreign key.
/// </summary>
/// <param name="script">What the statements are added to.</param>
/// <param name="now">The batch's: what had expired by then is not there.</param>
internal readonly struct PostgresRows(PostgresScript script, long now)
{
    private const string Named =
        "SELECT 1 FROM entity e JOIN unnest($1, $2) WITH ORDINALITY AS n (kind, id, place) ON e.kind = n.kind AND e.id = n.id ORDER BY n.place";

    private const string LockShared = $"{Named} FOR SHARE OF e";
    private const string PutSql = "INSERT INTO entity AS e (kind, id, version, expires_at, body)";

    private const string OrReplaceSql =
        """
        ON CONFLICT (kind, id) DO UPDATE
        SET version = CASE WHEN e.expires_at <= $5 THEN 1 ELSE e.version + 1 END, expires_at = excluded.expires_at, body = excluded.body
        """;

    private const string LockExclusively = $"{Named} FOR NO KEY UPDATE OF e";

    /// <summary>
    /// Locks the rows that a batch changes or requires in one order, so that two batches that name the same rows in different orders wait
    /// for each other instead of dying in a deadlock.
    /// </summary>
    /// <param name="changed">By this batch.</param>
    /// <param name="required">By this batch.</param>
    /// <param name="hurry">Gives up after a while; then a single row is locked, too, which its own statement does else.</param>
    public void Lock(IEnumerable<Change> changed, IEnumerable<Change> required, bool hurry)
    {
        var rows = required.Select(row => (Row: row, IsShared: true)).Concat(changed.Select(row => (Row: row, IsShared: false)))
            .GroupBy(lock_ => lock_.Row, (row, locks) => (Row: row, IsShared: locks.All(lock_ => lock_.IsShared)))
            .OrderBy(lock_ => lock_.Row.Kind, StringComparer.Ordinal).ThenBy(lock_ => lock_.Row.Id, StringComparer.Ordinal)
            .ToList();
        if (hurry)
        {
            PostgresGate.Hurry(script);
        }

        for (var first = 0; (rows.Count > 1 || hurry) && first < rows.Count;)
        {
            var isShared = rows[first].IsShared;
            var run = rows.Skip(first).TakeWhile(row => row.IsShared == isShared).Select(row => row.Row).ToList();
            script.RunQuery(isShared ? LockShared : LockExclusively, Texts(run.Select(row => row.Kind!)), Texts(run.Select(row => row.Id)));
            first += run.Count;
        }

        if (hurry)
        {
            PostgresGate.Calm(script);
        }
    }

    public void Insert(Entity entity)
    {
        script.Run("DELETE FROM entity WHERE kind = $1 AND id = $2 AND expires_at <= $3", Text(entity.Kind), Text(entity.Id), Number(now));
        script.NeedRow(
            CommitOutcome.Duplicate,
            "INSERT INTO entity (kind, id, version, expires_at, body) VALUES ($1, $2, 1, $3, $4) ON CONFLICT (kind, id) DO NOTHING RETURNING 1",
            Text(entity.Kind),
            Text(entity.Id),
            Time(entity.ExpiresAt),
            Bytes(entity.Body));
        WriteKeys(entity);
    }

    public void Replace(Entity entity)
    {
        Update(entity);
        RemoveOtherKeys(entity);
        WriteKeys(entity);
    }

    /// <summary>Keys are as they were.</summary>
    public void Update(Entity entity) => script.NeedRow(
        CommitOutcome.VersionConflict,
        """
        UPDATE entity SET version = version + 1, expires_at = $1, body = $2
        WHERE kind = $3 AND id = $4 AND version = $5 AND (expires_at IS NULL OR expires_at > $6)
        RETURNING 1
        """,
        Time(entity.ExpiresAt),
        Bytes(entity.Body),
        Text(entity.Kind),
        Text(entity.Id),
        Number(entity.Version),
        Number(now));

    public void Put(Entity entity)
    {
        script.Run(
            $"{PutSql} VALUES ($1, $2, 1, $3, $4) {OrReplaceSql}",
            Text(entity.Kind),
            Text(entity.Id),
            Time(entity.ExpiresAt),
            Bytes(entity.Body),
            Number(now));
        RemoveOtherKeys(entity);
        WriteKeys(entity);
    }

    /// <summary>Another body for what the row says already; nothing when it has moved on.</summary>
    public void Rewrite(Entity entity) => script.Run(
        "UPDATE entity SET body = $1 WHERE kind = $2 AND id = $3 AND version = $4 AND (expires_at IS NULL OR expires_at > $5)",
        Bytes(entity.Body),
        Text(entity.Kind),
        Text(entity.Id),
        Number(entity.Version),
        Number(now));

    public void Delete(string kind, string id, long version) => script.NeedRow(
        CommitOutcome.VersionConflict,
        "DELETE FROM entity WHERE kind = $1 AND id = $2 AND version = $3 AND (expires_at IS NULL OR expires_at > $4) RETURNING 1",
        Text(kind),
        Text(id),
        Number(version),
        Number(now));

    /// <summary>The row stays locked against writers until the commit, or another batch could change what was required.</summary>
    public void Require(string kind, string id, long version) => script.NeedRow(
        CommitOutcome.VersionConflict,
        "SELECT 1 FROM entity WHERE kind = $1 AND id = $2 AND version = $3 AND (expires_at IS NULL OR expires_at > $4) FOR SHARE",
        Text(kind),
        Text(id),
        Number(version),
        Number(now));

    /// <summary>As the other one, of different rows.</summary>
    public void Require(IReadOnlyList<RequireOperation> rows) => script.NeedNone(
        CommitOutcome.VersionConflict,
        """
        WITH held AS MATERIALIZED (
            SELECT n.nth FROM entity e JOIN unnest($1, $2, $3) WITH ORDINALITY AS n (kind, id, version, nth) ON e.kind = n.kind AND e.id = n.id
            WHERE e.version = n.version AND (e.expires_at IS NULL OR e.expires_at > $4)
            ORDER BY n.nth FOR SHARE OF e
        )
        SELECT min(n.nth) - 1 FROM unnest($1) WITH ORDINALITY AS n (kind, nth) WHERE n.nth NOT IN (SELECT nth FROM held)
        """,
        Texts(rows.Select(row => row.Kind)),
        Texts(rows.Select(row => row.Id)),
        Numbers(rows.Select(row => row.Version)),
        Number(now));

    /// <summary>As the other one, of different rows without unique keys.</summary>
    public void Put(IReadOnlyList<Entity> entities)
    {
        var (kinds, ids) = (entities.Select(entity => entity.Kind), entities.Select(entity => entity.Id));
        script.Run(
            $"{PutSql} SELECT kind, id, 1, expires_at, body FROM unnest($1, $2, $3, $4) AS n (kind, id, expires_at, body) {OrReplaceSql}",
            Texts(kinds),
            Texts(ids),
            Times(entities.Select(entity => entity.ExpiresAt)),
            ByteArrays(entities.Select(entity => entity.Body)),
            Number(now));
        script.Run("DELETE FROM unique_key k USING unnest($1, $2) AS n (kind, id) WHERE k.kind = n.kind AND k.id = n.id", Texts(kinds), Texts(ids));
        var keys = entities.SelectMany(entity => entity.Keys.Distinct().Select(key => (entity.Kind, entity.Id, key.Name, key.Value))).ToList();
        script.Run(
            """
            DELETE FROM index_key k USING unnest($1, $2) AS n (kind, id)
            WHERE k.kind = n.kind AND k.id = n.id
                AND (k.kind, k.id, k.name, k.value) NOT IN (SELECT * FROM unnest($3, $4, $5, $6))
            """,
            Texts(kinds),
            Texts(ids),
            Texts(keys.Select(key => key.Kind)),
            Texts(keys.Select(key => key.Id)),
            Texts(keys.Select(key => key.Name)),
            Texts(keys.Select(key => key.Value)));
        script.Run(
            "INSERT INTO index_key (kind, id, name, value) SELECT * FROM unnest($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            Texts(keys.Select(key => key.Kind)),
            Texts(keys.Select(key => key.Id)),
            Texts(keys.Select(key => key.Name)),
            Texts(keys.Select(key => key.Value)));
    }

    public void DeleteIndexed(string name, string value) => script.Remove(
        """
        WITH gone AS MATERIALIZED (
            SELECT e.kind, e.id FROM index_key k JOIN entity e ON e.kind = k.kind AND e.id = k.id
            WHERE k.name = $1 AND k.value = $2 ORDER BY e.kind, e.id FOR UPDATE OF e
        )
        DELETE FROM entity e USING gone WHERE e.kind = gone.kind AND e.id = gone.id RETURNING e.kind, e.id
        """,
        Text(name),
        Text(value));

    private void RemoveOtherKeys(Entity entity)
    {
        var unique = entity.Keys.Where(key => key.Unique).ToList();
        var index = entity.Keys.Where(key => !key.Unique).ToList();
        script.Run(
            """
            WITH gone AS (
                DELETE FROM unique_key WHERE kind = $1 AND id = $2 AND (name, value) NOT IN (SELECT * FROM unnest($3, $4))
            )
            DELETE FROM index_key WHERE kind = $1 AND id = $2 AND (name, value) NOT IN (SELECT * FROM unnest($5, $6))
            """,
            Text(entity.Kind),
            Text(entity.Id),
            Texts(unique.Select(key => key.Name)),
            Texts(unique.Select(key => key.Value)),
            Texts(index.Select(key => key.Name)),
            Texts(index.Select(key => key.Value)));
    }

    private void WriteKeys(Entity entity)
    {
        var unique = entity.Keys.Where(key => key.Unique).Distinct().ToList();
        if (unique.Count > 0)
        {
            WriteUniqueKeys(entity, unique);
        }

        var index = entity.Keys.Where(key => !key.Unique).ToList();
        if (index.Count > 0)
        {
            script.Run(
                """
                INSERT INTO index_key (name, value, kind, id)
                SELECT n.name, n.value, e.kind, e.id FROM entity e, unnest($3, $4) AS n (name, value) WHERE e.kind = $1 AND e.id = $2
                ON CONFLICT DO NOTHING
                """,
                Text(entity.Kind),
                Text(entity.Id),
                Texts(index.Select(key => key.Name)),
                Texts(index.Select(key => key.Value)));
        }
    }

    private void WriteUniqueKeys(Entity entity, List<EntityKey> keys)
    {
        // A row that has expired gives its keys up, and goes.
        script.Run(
            """
            DELETE FROM entity e USING unique_key k, unnest($3, $4) AS n (name, value)
            WHERE k.kind = $1 AND k.name = n.name AND k.value = n.value AND k.id <> $2 AND e.kind = k.kind AND e.id = k.id AND e.expires_at <= $5
            """,
            Text(entity.Kind),
            Text(entity.Id),
            Texts(keys.Select(key => key.Name)),
            Texts(keys.Select(key => key.Value)),
            Number(now));
        script.Run(
            """
            INSERT INTO unique_key (kind, name, value, id)
            SELECT e.kind, n.name, n.value, e.id FROM entity e, unnest($3, $4) AS n (name, value) WHERE e.kind = $1 AND e.id = $2
            ORDER BY n.name, n.value ON CONFLICT DO NOTHING
            """,
            Text(entity.Kind),
            Text(entity.Id),
            Texts(keys.Select(key => key.Name)),
            Texts(keys.Select(key => key.Value)));

        // Those that another row holds are missing now; there are no others, for the row's other keys were removed.
        script.NeedNumber(
            keys.Count,
            CommitOutcome.Duplicate,
            "SELECT count(*) FROM unique_key WHERE kind = $1 AND id = $2",
            Text(entity.Kind),
            Text(entity.Id));
    }
}
