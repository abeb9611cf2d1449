using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth;

/// <summary>
/// An authorization code, by its hash. It is kept for a while after it was redeemed, so that a second use is recognised and
/// costs the first one's tokens (RFC 6749 §4.1.2).
/// </summary>
internal sealed record AuthorizationCode : IRecord<AuthorizationCode>
{
    public static string Kind => "authorization-code";

    public static JsonTypeInfo<AuthorizationCode> TypeInfo => OAuthJson.Default.AuthorizationCode;

    public required string Id { get; init; }

    public required string ClientId { get; init; }

    public required string UserId { get; init; }

    public string? SessionId { get; init; }

    /// <summary>Null when the request left it out, and the token request may too.</summary>
    public string? RedirectUri { get; init; }

    /// <summary>S256.</summary>
    public string? CodeChallenge { get; init; }

    /// <summary>The DPoP key that was announced for its redemption.</summary>
    public string? DpopKeyThumbprint { get; init; }

    public string? Nonce { get; init; }

    public string? Audience { get; init; }

    public IReadOnlyList<string> Scopes { get; set; } = [];

    public DateTimeOffset AuthenticatedAt { get; init; }

    /// <summary>How the user signed in.</summary>
    public IReadOnlyList<string> Methods { get; set; } = [];

    /// <summary>What actions put into the tokens; null for nothing.</summary>
    public CustomClaims? Custom { get; init; }

    public DateTimeOffset ValidUntil { get; init; }

    public DateTimeOffset ForgottenAt { get; init; }

    public bool Redeemed { get; init; }

    /// <summary>The refresh token that the redemption issued.</summary>
    public string? RefreshTokenId { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<AuthorizationCode>.ExpiresAt => ForgottenAt;

    IEnumerable<EntityKey> IRecord<AuthorizationCode>.Keys => [EntityKey.Index("user", UserId), EntityKey.Index("client", ClientId)];

    public AuthorizationCode AtVersion(long version) => this with { Version = version };
}
