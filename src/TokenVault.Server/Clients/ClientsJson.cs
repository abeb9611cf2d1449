using System.Text.Json.Serialization;

namespace TokenVault.Server.Clients;

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Client))]
[JsonSerializable(typeof(ClientGrant))]
[JsonSerializable(typeof(ResourceServer))]
[JsonSerializable(typeof(RefreshToken))]
[JsonSerializable(typeof(TenantSettings))]
[JsonSerializable(typeof(UntracedFailure))]
[JsonSerializable(typeof(TokenExchangeProfile))]
internal sealed partial class ClientsJson : JsonSerializerContext;
