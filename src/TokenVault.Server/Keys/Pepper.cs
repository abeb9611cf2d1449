using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace TokenVault.Server.Keys;

/// <summary>The secret under every keyed hash, sealed. There is one, and it does not change: hashes that outlive it would be worthless.</summary>
internal sealed record Pepper : ISealed<Pepper>
{
    public const string OnlyId = "pepper";

    public static string Kind => "pepper";

    public static JsonTypeInfo<Pepper> TypeInfo => KeysJson.Default.Pepper;

    public static IReadOnlyList<SealedField<Pepper>> SealedFields { get; } = [new(nameof(Sealed), pepper => pepper.Sealed, _ => Identity())];

    public string Id { get; set; } = OnlyId;

    public required byte[] Sealed { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    public static byte[] Identity() => Aad.For("pepper", OnlyId);

    public Pepper AtVersion(long version) => this with { Version = version };
}
