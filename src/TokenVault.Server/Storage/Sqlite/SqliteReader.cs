namespace TokenVault.Server.Storage.Sqlite;

/// <summary>The reads, on one connection; used by one thread at a time.</summary>
internal sealed class SqliteReader(SqliteConnection connection) : IDisposable
{
    private const string Live = "(e.expires_at IS NULL OR e.expires_at > ?1)";
    private const string Columns = "SELECT e.id, e.version, e.expires_at, e.body";
    private const string OfKind = $" FROM entity e WHERE {Live} AND e.kind = ?2";
    private const string OfIndex = $" FROM index_key k JOIN entity e ON e.row = k.row WHERE {Live} AND k.kind = ?2 AND k.name = ?6 AND k.value = ?7";
    private const string AuditColumns = "SELECT sequence, id, at, body, user_id, mac FROM audit";
    private const string AuditRange = " WHERE id > ?1 AND id < ?2";

    /// <summary>
    /// From part to part of the index (see <see cref="SqliteLogIndex"/>), then what is behind the last one. The first part may still name rows
    /// that were dropped: it goes when all of them are.
    /// </summary>
    private const string AuditOfUser =
        """
        WITH RECURSIVE part (n) AS (
            SELECT min(part) FROM audit_user
            UNION ALL SELECT (SELECT min(u.part) FROM audit_user u WHERE u.part > part.n) FROM part WHERE part.n IS NOT NULL
        ), mine (sequence, id) AS (
            SELECT u.sequence, u.id FROM part CROSS JOIN audit_user u ON u.part = part.n AND u.user_id = ?3 AND u.id > ?1 AND u.id < ?2
            WHERE u.sequence >= (SELECT min(sequence) FROM audit)
            UNION ALL
            SELECT sequence, id FROM audit WHERE sequence > (SELECT through FROM audit_user_parts) AND user_id = ?3 AND id > ?1 AND id < ?2
        )
        """;

    private const string Page = " LIMIT ?4 OFFSET ?5";

    public Entity? Find(string kind, string id, long now)
    {
        using var query = connection.Use($"{Columns} FROM entity e WHERE e.kind = ?2 AND e.id = ?3 AND {Live}");
        query.Bind(1, now).Bind(2, kind).Bind(3, id);
        return query.Step() ? Read(query, kind, id) : null;
    }

    public Entity? FindByKey(string kind, string keyName, string keyValue, long now)
    {
        using var query = connection.Use(
            $"{Columns} FROM unique_key k JOIN entity e ON e.row = k.row WHERE k.kind = ?2 AND k.name = ?3 AND k.value = ?4 AND {Live}");
        query.Bind(1, now).Bind(2, kind).Bind(3, keyName).Bind(4, keyValue);
        return query.Step() ? Read(query, kind, query.Text(0)) : null;
    }

    public List<Entity> List(ListQuery list, long now)
    {
        using var query = connection.Use((list.Index, list.After) switch
        {
            (null, null) => $"{Columns}{OfKind} ORDER BY e.id{Page}",
            (null, _) => $"{Columns}{OfKind} AND e.id > ?3 ORDER BY e.id{Page}",
            (_, null) => $"{Columns}{OfIndex} ORDER BY k.id{Page}",
            _ => $"{Columns}{OfIndex} AND k.id > ?3 ORDER BY k.id{Page}",
        });
        query.Bind(1, now).Bind(2, list.Kind);
        if (list.After is { } after)
        {
            query.Bind(3, after);
        }

        query.Bind(4, Math.Max(0, list.Take)).Bind(5, Math.Max(0, list.Offset));
        if (list.Index is { } index)
        {
            query.Bind(6, index.Name).Bind(7, index.Value);
        }

        var page = new List<Entity>();
        while (query.Step())
        {
            page.Add(Read(query, list.Kind, query.Text(0)));
        }

        return page;
    }

    public long Count(ListQuery list, long now)
    {
        using var query = connection.Use(list.Index is null ? $"SELECT count(*){OfKind}" : $"SELECT count(*){OfIndex}");
        query.Bind(1, now).Bind(2, list.Kind);
        if (list.Index is { } index)
        {
            query.Bind(6, index.Name).Bind(7, index.Value);
        }

        query.Step();
        return query.Long(0);
    }

    public List<StoredAuditRow> ReadAudit(long after, int take)
    {
        using var query = connection.Use($"{AuditColumns} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
        return ReadRows(query.Bind(1, after).Bind(2, Math.Max(0, take)));
    }

    public List<StoredAuditRow> ReadAuditSeals(long after, int take)
    {
        const string seals = "SELECT sequence, id, at, CASE WHEN mac IS NULL THEN body ELSE x'' END, user_id, mac FROM audit";
        using var query = connection.Use($"{seals} WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
        return ReadRows(query.Bind(1, after).Bind(2, Math.Max(0, take)));
    }

    public StoredAuditRow? FindAudit(string id)
    {
        using var query = connection.Use($"{AuditColumns} WHERE id = ?1 ORDER BY sequence LIMIT 1");
        return ReadRows(query.Bind(1, id)).FirstOrDefault();
    }

    public List<StoredAuditRow> ListAudit(AuditQuery list)
    {
        const string all = $"{AuditColumns}{AuditRange}";
        const string ofUser = $"{AuditOfUser} {AuditColumns} WHERE sequence IN (SELECT sequence FROM mine ORDER BY id";
        using var query = connection.Use((list.UserId, list.Descending) switch
        {
            (null, false) => $"{all} ORDER BY id LIMIT ?4 OFFSET ?5",
            (null, true) => $"{all} ORDER BY id DESC LIMIT ?4 OFFSET ?5",
            (_, false) => $"{ofUser} LIMIT ?4 OFFSET ?5) ORDER BY id",
            _ => $"{ofUser} DESC LIMIT ?4 OFFSET ?5) ORDER BY id DESC",
        });
        return ReadRows(BindRange(query, list).Bind(4, Math.Max(0, list.Take)).Bind(5, Math.Max(0, list.Offset)));
    }

    public long CountAudit(AuditQuery list)
    {
        using var query = connection.Use(list.UserId is null ? $"SELECT count(*) FROM audit{AuditRange}" : $"{AuditOfUser} SELECT count(*) FROM mine");
        BindRange(query, list).Step();
        return query.Long(0);
    }

    public long ReadProbe()
    {
        using var query = connection.Use("SELECT value FROM probe WHERE id = 1");
        return query.Step() ? query.Long(0) : -1;
    }

    public void Dispose() => connection.Dispose();

    private static SqliteStatement BindRange(SqliteStatement query, AuditQuery list)
    {
        query.Bind(1, list.Above).Bind(2, list.Below);
        return list.UserId is null ? query : query.Bind(3, list.UserId);
    }

    private static List<StoredAuditRow> ReadRows(SqliteStatement query)
    {
        var rows = new List<StoredAuditRow>();
        while (query.Step())
        {
            rows.Add(new StoredAuditRow(query.Long(0), query.Text(1), StorageTime.FromMicroseconds(query.Long(2)), query.Blob(3))
            {
                UserId = query.TextOrNull(4),
                Mac = query.BlobOrNull(5),
            });
        }

        return rows;
    }

    private static Entity Read(SqliteStatement row, string kind, string id) => new(
        kind,
        id,
        row.Long(1),
        row.LongOrNull(2) is { } expiresAt ? StorageTime.FromMicroseconds(expiresAt) : null,
        row.Blob(3),
        Keys: []);
}
