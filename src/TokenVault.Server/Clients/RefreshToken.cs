using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>
/// A refresh token that this server issued: one row for the whole family that rotation makes of it. Of the token itself
/// only hashes are kept; the generation is a counter, so nothing depends on clocks or restarts (T-ST-07..09).
/// </summary>
internal sealed record RefreshToken : IRecord<RefreshToken>
{
    public static string Kind => "refresh-token";

    public static JsonTypeInfo<RefreshToken> TypeInfo => ClientsJson.Default.RefreshToken;

    public required string Id { get; init; }

    [JsonConverter(typeof(SharedText))]
    public required string ClientId { get; init; }

    [JsonConverter(typeof(SharedText))]
    public required string UserId { get; init; }

    /// <summary>The sign-in session it was issued in.</summary>
    public string? SessionId { get; init; }

    /// <summary>The API it was issued for; null when only OpenID Connect was asked for.</summary>
    [JsonConverter(typeof(SharedText))]
    public string? Audience { get; init; }

    /// <summary>The scopes the user granted, in the order granted.</summary>
    [JsonConverter(typeof(SharedTexts))]
    public IReadOnlyList<string> Scopes { get; set; } = [];

    public bool Rotating { get; init; }

    /// <summary>Hash of the handle part, by which the family is found.</summary>
    public required string HandleHash { get; init; }

    /// <summary>Hash of the secret part of the one valid token.</summary>
    public required string SecretHash { get; init; }

    /// <summary>Hash of the secret part of its predecessor, which answers with the same successor during the leeway.</summary>
    public string? PreviousSecretHash { get; init; }

    /// <summary>Grows by one with each rotation.</summary>
    public int Generation { get; init; }

    public DateTimeOffset? RotatedAt { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? LastExchangedAt { get; init; }

    public DateTimeOffset AuthenticatedAt { get; init; }

    /// <summary>How the user signed in, in the session that it was issued in.</summary>
    [JsonConverter(typeof(SharedTexts))]
    public IReadOnlyList<string> Methods { get; set; } = [];

    /// <summary>Of a public client's: the keys that it proved when the token was issued, and has to prove with each use (RFC 9449 §5, RFC 8705 §4).</summary>
    public Confirmation? BoundTo { get; init; }

    public DateTimeOffset? IdleExpiresAt { get; init; }

    public DateTimeOffset? AbsoluteExpiresAt { get; init; }

    /// <summary>What administrators noted about it.</summary>
    public JsonObject? RefreshTokenMetadata { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<RefreshToken>.ExpiresAt =>
        IdleExpiresAt is { } idle && AbsoluteExpiresAt is { } end ? (idle < end ? idle : end) : IdleExpiresAt ?? AbsoluteExpiresAt;

    IEnumerable<EntityKey> IRecord<RefreshToken>.Keys =>
    [
        EntityKey.UniqueKey("handle", HandleHash),
        EntityKey.Index("user", UserId),
        EntityKey.Index("client", ClientId),
    ];

    public RefreshToken AtVersion(long version) => this with { Version = version };
}
