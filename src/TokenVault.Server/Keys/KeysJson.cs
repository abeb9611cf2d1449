using System.Text.Json.Serialization;

namespace TokenVault.Server.Keys;

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(VaultKey))]
[JsonSerializable(typeof(Pepper))]
[JsonSerializable(typeof(SigningKey))]
[JsonSerializable(typeof(KeyRewrapState))]
[JsonSerializable(typeof(SpentJti))]
internal sealed partial class KeysJson : JsonSerializerContext;
