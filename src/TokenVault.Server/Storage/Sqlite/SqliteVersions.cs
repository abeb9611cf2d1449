namespace TokenVault.Server.Storage.Sqlite;

/// <summary>
/// The versions of rows that the writer looked up to see whether a condition is met, so that the conditions of exchanges, the same ones again
/// and again, cost no search. It is never wrong: whatever writes goes through the writer, which forgets the row with the write, and everything
/// when it undoes one, or when another program has written to the file (<c>PRAGMA data_version</c>).
/// </summary>
internal sealed class SqliteVersions(SqliteConnection connection)
{
    /// <summary>Then it begins anew: 2 MB, and the ids. Three are of one exchange's user, of whom 12,000 are remembered.</summary>
    private const int Most = 36_300;

    private readonly Dictionary<(string Kind, string Id), (long Version, long? ExpiresAt)> _known = [];
    private long _fileVersion;

    /// <summary>At the begin of a transaction that writes.</summary>
    public void Follow()
    {
        using var query = connection.Use("PRAGMA data_version");
        query.Step();
        if (query.Long(0) is var version && version != _fileVersion)
        {
            _known.Clear();
            _fileVersion = version;
        }
    }

    public (long Version, long? ExpiresAt)? Find(string kind, string id) => _known.TryGetValue((kind, id), out var known) ? known : null;

    public void Keep(string kind, string id, long version, long? expiresAt)
    {
        if (_known.Count == Most)
        {
            _known.Clear();
        }

        _known[(kind, id)] = (version, expiresAt);
    }

    public void Forget(string kind, string id) => _known.Remove((kind, id));

    public void ForgetAll() => _known.Clear();
}
