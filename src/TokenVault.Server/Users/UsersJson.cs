using System.Text.Json.Serialization;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Server.Users;

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(User))]
[JsonSerializable(typeof(Session))]
[JsonSerializable(typeof(UserFactors))]
[JsonSerializable(typeof(KnownBrowser))]
internal sealed partial class UsersJson : JsonSerializerContext;
