namespace TokenVault.Server.Storage.Postgres;

/// <summary>
/// Operations of one kind that follow one another and can be one statement, so that a hundred notes cost little more than one: conditions,
/// and rows that are put where no other row can be in their way.
/// </summary>
internal static class PostgresRun
{
    /// <summary>The longest that begins here; at least the one operation.</summary>
    public static IReadOnlyList<Operation> At(IReadOnlyList<Operation> operations, int start)
    {
        var named = new HashSet<Change>();
        var end = start + 1;
        if (Fits(operations[start], operations[start], named))
        {
            while (end < operations.Count && Fits(operations[start], operations[end], named))
            {
                end++;
            }
        }

        return [.. operations.Skip(start).Take(end - start)];
    }

    private static bool Fits(Operation first, Operation next, HashSet<Change> named) => (first, next) switch
    {
        // Of different rows: they are locked before, in one order, only where there are several.
        (RequireOperation, RequireOperation require) => named.Add(new Change(require.Kind, require.Id)),

        // INSERT … ON CONFLICT cannot meet the same row twice.
        (PutOperation, PutOperation put) => !put.Entity.Keys.Any(key => key.Unique) && named.Add(new Change(put.Entity.Kind, put.Entity.Id)),
        _ => false,
    };
}
