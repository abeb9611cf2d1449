using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.OAuth.Devices;
using TokenVault.Server.OAuth.Logout;
using TokenVault.Server.OAuth.Pushed;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth;

/// <summary>What a user allowed a third-party client at one audience.</summary>
internal sealed record Consent : IRecord<Consent>
{
    public static string Kind => "consent";

    public static JsonTypeInfo<Consent> TypeInfo => OAuthJson.Default.Consent;

    public required string Id { get; init; }

    public required string UserId { get; init; }

    public required string ClientId { get; init; }

    public required string Audience { get; init; }

    public IReadOnlyList<string> Scopes { get; set; } = [];

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<Consent>.Keys => [EntityKey.Index("user", UserId), EntityKey.Index("client", ClientId)];

    public static string IdFor(string userId, string clientId, string audience) => Identifier.Hash($"{userId}\n{clientId}\n{audience}");

    public Consent AtVersion(long version) => this with { Version = version };
}

/// <summary>The stored form of this slice's nouns.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuthorizationCode))]
[JsonSerializable(typeof(Consent))]
[JsonSerializable(typeof(SignInRequest))]
[JsonSerializable(typeof(PushedRequest))]
[JsonSerializable(typeof(PendingLogout))]
[JsonSerializable(typeof(DeviceRequest))]
internal sealed partial class OAuthJson : JsonSerializerContext;
