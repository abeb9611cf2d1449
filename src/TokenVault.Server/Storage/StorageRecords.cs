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
        where T : class, IRecord<T>
    {
        const int chunk = 500;
        var all = new List<T>();
        string? after = null;
        while (true)
        {
            var page = await storage.ListAsync(new ListQuery(T.Kind) { Index = index, After = after, Take = chunk }, cancellationToken);
            all.AddRange(page.Select(entity => entity.ToRecord<T>()));
            if (page.Count < chunk)
            {
                return all;
            }

            after = page[^1].Id;
        }
    }
}
