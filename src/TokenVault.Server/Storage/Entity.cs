namespace TokenVault.Server.Storage;

/// <summary>
/// One stored row: the only shape a storage engine knows. No id, key name or key value that is written contains U+0000.
/// </summary>
/// <param name="Kind">The noun, for example <c>client</c>.</param>
/// <param name="Id">Unique within the kind, compared byte by byte.</param>
/// <param name="Version">1 after the insert, one more with every replace; 0 before the insert.</param>
/// <param name="ExpiresAt">From this instant on, the row is treated as absent, whether it was purged yet or not. Kept to the microsecond.</param>
/// <param name="Body">The noun as UTF-8 JSON. Secrets in it are sealed or hashed before they get here.</param>
/// <param name="Keys">What the row can be found by, besides its id. Empty on a row that was read: the noun in the body knows its keys.</param>
internal sealed record Entity(string Kind, string Id, long Version, DateTimeOffset? ExpiresAt, byte[] Body, IReadOnlyList<EntityKey> Keys);

/// <summary>
/// A secondary key. A unique key belongs to one live row of its kind; an index key groups rows, also across kinds
/// (the index <c>user</c> holds everything that goes when a user goes).
/// </summary>
internal readonly record struct EntityKey(string Name, string Value, bool Unique)
{
    /// <summary>The index by which all rows of one owner are found, where a kind has such; watchers hear of it.</summary>
    public const string Owner = "owner";

    public static EntityKey UniqueKey(string name, string value) => new(name, value, Unique: true);

    public static EntityKey Index(string name, string value) => new(name, value, Unique: false);
}
