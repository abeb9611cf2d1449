using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>A vault key as stored: wrapped by the root key. The one of the highest generation seals; all of them open.</summary>
internal sealed record VaultKey : IRecord<VaultKey>
{
    public static string Kind => "vault-key";

    public static JsonTypeInfo<VaultKey> TypeInfo => KeysJson.Default.VaultKey;

    /// <summary><c>vk_</c> and the 16 hexadecimal digits that stand in every blob.</summary>
    public required string Id { get; init; }

    public required int Generation { get; init; }

    /// <summary>The root key that wrapped it.</summary>
    public required string RootKeyId { get; init; }

    public required byte[] Wrapped { get; init; }

    /// <summary>See <see cref="Kek.CheckValue"/>.</summary>
    public required string Check { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    // Two nodes that start together on an empty store must not both make the first key.
    IEnumerable<EntityKey> IRecord<VaultKey>.Keys => [EntityKey.UniqueKey("generation", $"{Generation}")];

    public VaultKey AtVersion(long version) => this with { Version = version };

    public byte[] Identity() => Aad.For("vault-key", Id, $"{Generation}", RootKeyId);
}
