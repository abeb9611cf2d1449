using System.Runtime.CompilerServices;
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
        await storage.ListWhereAsync<T>(index, static _ => true, cancellationToken);

    /// <summary>Those that pass; of the others never more than a page is held.</summary>
    /// <exception cref="CorruptRecordException">A row is not what it claims to be.</exception>
    public static async ValueTask<List<T>> ListWhereAsync<T>(this IStorage storage, EntityKey? index, Func<T, bool> where, CancellationToken cancellationToken)
        where T : class, IRecord<T>
    {
        var found = new List<T>();
        await foreach (var row in storage.ReadRowsAsync(T.Kind, index, cancellationToken))
        {
            var record = row.ToRecord<T>();
            if (where(record))
            {
                found.Add(record);
            }
        }

        return found;
    }

    /// <summary>As <see cref="ListAllAsync"/>, without the rows that are corrupt: one of them must not take the others with it (F-38).</summary>
    public static async ValueTask<List<T>> ListReadableAsync<T>(
        this IStorage storage, EntityKey? index, ILogger logger, CancellationToken cancellationToken)
        where T : class, IRecord<T>
    {
        var readable = new List<T>();
        await foreach (var row in storage.ReadRowsAsync(T.Kind, index, cancellationToken))
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
        var all = new List<Entity>();
        await foreach (var row in storage.ReadRowsAsync(kind, index, cancellationToken))
        {
            all.Add(row);
        }

        return all;
    }

    private static async IAsyncEnumerable<Entity> ReadRowsAsync(
        this IStorage storage, string kind, EntityKey? index, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int chunk = 500;
        string? after = null;
        while (true)
        {
            var page = await storage.ListAsync(new ListQuery(kind) { Index = index, After = after, Take = chunk }, cancellationToken);
            foreach (var row in page)
            {
                yield return row;
            }

            if (page.Count < chunk)
            {
                yield break;
            }

            after = page[^1].Id;
        }
    }
}
