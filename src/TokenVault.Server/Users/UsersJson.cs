using System.Text.Json.Serialization;

namespace TokenVault.Server.Users;

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(User))]
[JsonSerializable(typeof(Session))]
internal sealed partial class UsersJson : JsonSerializerContext;
