using TokenVault.Server.Diagnostics;

namespace TokenVault.Server.Storage;

/// <summary>Reads of nouns instead of rows.</summary>
internal static class StorageRecords
{
    /// <exception cref="CorruptRecordException">The row is not what it claims to be.</exception>
    public static async ValueTask<T?> FindAsync<T>(this IStorage storage, string id, CancellationToken cancellationToken)
        where T : class, IRecord<T> =>
        (await storage.FindAsync(T.Kind, id, cancellationToken))?.ToRecord<T>();

    /// <exception cref="CorruptRecordException">The row is not what it claims to be.</exception>
    public static async ValueTask<T?> FindByKeyAsync<T>(this IStorage storage, string keyName, string keyValue, CancellationToken cancellationToken)
        where T : class, IRecord<T> =>
        (await storage.FindByKeyAsync(T.Kind, keyName, keyValue, cancellationToken))?.ToRecord<T>();

    /// <summary>All live rows of a kind that carry an index key; for groups that are small by nature.</summary>
    /// <exception cref="CorruptRecordException">A row is not what it claims to be.</exception>
    public static async ValueTask<List<T>> ListAllAsync<T>(this IStorage storage, EntityKey? index, CancellationToken cancellationToken)
        where T : class, IRecord<T> =>
        [.. (await storage.ListRowsAsync(T.Kind, index, cancellationToken)).Select(row => row.ToRecord<T>())];

    /// <summary>As <see cref="ListAllAsync"/>, without the rows that are corrupt: one of them must not take the others with it (F-38).</summary>
    public static async ValueTask<List<T>> ListReadableAsync<T>(
        this IStorage storage, EntityKey? index, ILogger logger, CancellationToken cancellationToken)
        where T : class, IRecord<T>
    {
        var readable = new List<T>();
        foreach (var row in await storage.ListRowsAsync(T.Kind, index, cancellationToken))
        {
            try
            {
                readable.Add(row.ToRecord<T>());
            }
            catch (CorruptRecordException e)
            {
                Log.CorruptRecord(logger, e, row.Kind, row.Id);
            }
        }

        return readable;
    }

    /// <summary>As <see cref="ListAllAsync"/>, the rows as they are stored.</summary>
    public static async ValueTask<List<Entity>> ListRowsAsync(
        this IStorage storage, string kind, EntityKey? index, CancellationToken cancellationToken)
    {
        const int chunk = 500;
        var all = new List<Entity>();
        string? after = null;
        while (true)
        {
            var page = await storage.ListAsync(new ListQuery(kind) { Index = index, After = after, Take = chunk }, cancellationToken);
            all.AddRange(page);
            if (page.Count < chunk)
            {
                return all;
            }

            after = page[^1].Id;
        }
    }
}
