using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>A vault key as stored: wrapped by the root key. The one of the highest generation seals; all that are not retired open.</summary>
internal sealed record VaultKey : IRecord<VaultKey>
{
    private const string IdPrefix = "vk_";

    public static string Kind => "vault-key";

    public static JsonTypeInfo<VaultKey> TypeInfo => KeysJson.Default.VaultKey;

    /// <summary><c>vk_</c> and the 16 hexadecimal digits that stand in every blob.</summary>
    public required string Id { get; init; }

    public required int Generation { get; init; }

    /// <summary>The root key that wrapped it.</summary>
    public required string RootKeyId { get; init; }

    /// <summary>Empty once the key is retired: then nobody has it any more.</summary>
    public required byte[] Wrapped { get; init; }

    /// <summary>See <see cref="Kek.CheckValue"/>.</summary>
    public required string Check { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When nothing had referred to it for long enough.</summary>
    public DateTimeOffset? RetiredAt { get; init; }

    /// <summary>As it stands in blobs.</summary>
    /// <exception cref="CorruptRecordException">The id is none that this server makes.</exception>
    [JsonIgnore]
    public ulong KekId =>
        Id.StartsWith(IdPrefix, StringComparison.Ordinal)
        && ulong.TryParse(Id.AsSpan(IdPrefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id)
            ? id
            : throw new CorruptRecordException(Kind, Id, inner: null);

    [JsonIgnore]
    public long Version { get; init; }

    // Two nodes that start together on an empty store must not both make the first key.
    IEnumerable<EntityKey> IRecord<VaultKey>.Keys => [EntityKey.UniqueKey("generation", $"{Generation}")];

    public static string Name(ulong kekId) => $"{IdPrefix}{kekId:x16}";

    /// <summary>A new key, ready to be stored.</summary>
    public static (VaultKey Stored, Kek Kek) Create(int generation, FileRootKey root, DateTimeOffset now)
    {
        Span<byte> idBytes = stackalloc byte[Kek.IdSize];
        RandomNumberGenerator.Fill(idBytes);
        var key = GC.AllocateArray<byte>(Kek.KeySize, pinned: true);
        RandomNumberGenerator.Fill(key);
        var kek = new Kek(Kek.IdFrom(idBytes), key);
        var unwrapped = new VaultKey
        {
            Id = Name(kek.Id),
            Generation = generation,
            RootKeyId = root.Id,
            Wrapped = [],
            Check = Kek.CheckValue(key),
            CreatedAt = now,
        };
        return (unwrapped with { Wrapped = root.Wrap(key, unwrapped.Identity()) }, kek);
    }

    /// <summary>The same key, wrapped by another root key.</summary>
    /// <exception cref="BrokenSealException">The row was changed.</exception>
    public VaultKey Under(FileRootKey root, FileRootKey former)
    {
        var key = former.Unwrap(Wrapped, Identity());
        try
        {
            var moved = this with { RootKeyId = root.Id };
            return moved with { Wrapped = root.Wrap(key, moved.Identity()) };
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    public VaultKey AtVersion(long version) => this with { Version = version };

    public byte[] Identity() => Aad.For("vault-key", Id, $"{Generation}", RootKeyId);
}
