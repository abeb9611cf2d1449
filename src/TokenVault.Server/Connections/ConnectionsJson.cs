using System.Text.Json.Serialization;

namespace TokenVault.Server.Connections;

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Connection))]
internal sealed partial class ConnectionsJson : JsonSerializerContext;
