using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>The secret under every keyed hash, sealed. There is one, and it does not change: hashes that outlive it would be worthless.</summary>
internal sealed record Pepper : IRecord<Pepper>
{
    public const string OnlyId = "pepper";

    public static string Kind => "pepper";

    public static JsonTypeInfo<Pepper> TypeInfo => KeysJson.Default.Pepper;

    public string Id { get; set; } = OnlyId;

    public required byte[] Sealed { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    public static byte[] Identity() => Aad.For("pepper", OnlyId);

    public Pepper AtVersion(long version) => this with { Version = version };
}
