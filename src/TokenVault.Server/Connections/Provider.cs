using System.Text.Json.Serialization;

namespace TokenVault.Server.Connections;

/// <summary>
/// A provider that the server knows: one entry of <c>providers.json</c>. Everything in which providers differ is data here;
/// what a connection's options name goes before it.
/// </summary>
internal sealed record Provider
{
    /// <summary>The name on the wire: a connection's <c>strategy</c>.</summary>
    public required string Strategy { get; init; }

    public required string DisplayName { get; init; }

    /// <summary>Where the provider documents its OAuth endpoints.</summary>
    public required string Documentation { get; init; }

    /// <summary>The endpoints come from the connection.</summary>
    public bool Custom { get; init; }

    /// <summary>The provider speaks OpenID Connect: a nonce is sent, and the id_token names the user.</summary>
    public bool OpenIdConnect { get; init; }

    public string? Issuer { get; init; }

    public string? DiscoveryUrl { get; init; }

    public string? JwksUri { get; init; }

    public string? AuthorizationEndpoint { get; init; }

    public string? TokenEndpoint { get; init; }

    /// <summary>Where it is not the token endpoint.</summary>
    public string? RefreshEndpoint { get; init; }

    public string? UserinfoEndpoint { get; init; }

    public string? RevocationEndpoint { get; init; }

    /// <summary>Asked for when the connection names none.</summary>
    public IReadOnlyList<string> DefaultScopes { get; set; } = [];

    /// <summary>Asked for always, whatever the connection and the request name.</summary>
    public IReadOnlyList<string> RequiredScopes { get; set; } = [];

    /// <summary>Between the scopes of the authorization request.</summary>
    public string ScopeSeparator { get; set; } = " ";

    /// <summary>The authorization request's parameter for scopes.</summary>
    public string ScopeParameter { get; set; } = "scope";

    public bool Pkce { get; set; } = true;

    /// <summary>Null: as the provider's metadata says (OpenID Connect Discovery §3: basic when it does not say).</summary>
    public ClientAuthMethod? TokenEndpointAuthMethod { get; init; }

    public TokenRequestFormat TokenRequestFormat { get; init; }

    /// <summary>Added to the authorization request.</summary>
    public IReadOnlyDictionary<string, string> AuthorizeParams { get; set; } = Empty;

    /// <summary>Added to the code's redemption.</summary>
    public IReadOnlyDictionary<string, string> TokenParams { get; set; } = Empty;

    /// <summary>Added to the refresh.</summary>
    public IReadOnlyDictionary<string, string> RefreshParams { get; set; } = Empty;

    /// <summary>The member of the token answer that holds the user's tokens, where it is not the answer itself.</summary>
    public string? TokenResponsePath { get; init; }

    /// <summary>Error codes of this provider that mean what <c>invalid_grant</c> means.</summary>
    public IReadOnlyList<string> DeadGrantErrors { get; set; } = [];

    /// <summary>Where the user's id stands in the userinfo answer, dots between members; the first that is there counts.</summary>
    public IReadOnlyList<string> UserIdPaths { get; set; } = ["sub", "id", "user_id"];

    public IReadOnlyList<string> EmailPaths { get; set; } = ["email"];

    public RotationClass RotationClass { get; init; }

    /// <summary>In seconds, for a provider that names none in its answers; null where such tokens do not expire.</summary>
    public int? AccessTokenLifetime { get; init; }

    private static IReadOnlyDictionary<string, string> Empty { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>How a client shows its secret at the token endpoint (RFC 6749 §2.3.1).</summary>
internal enum ClientAuthMethod
{
    [JsonStringEnumMemberName("client_secret_post")]
    Post,

    [JsonStringEnumMemberName("client_secret_basic")]
    Basic,
}

internal enum TokenRequestFormat
{
    [JsonStringEnumMemberName("form")]
    Form,

    [JsonStringEnumMemberName("json")]
    Json,
}

/// <summary>What becomes of a refresh token that was used: decides how long to wait for an answer and whether to ask twice.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RotationClass>))]
internal enum RotationClass
{
    /// <summary>Not known: treated like <see cref="FamilyRevoking"/>.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,

    /// <summary>Stays valid; no new one comes.</summary>
    [JsonStringEnumMemberName("stable")]
    Stable,

    /// <summary>A new one comes, the old one stays valid for a while.</summary>
    [JsonStringEnumMemberName("overlap")]
    Overlap,

    /// <summary>The old one yields the same new one again until that is used.</summary>
    [JsonStringEnumMemberName("replay")]
    Replay,

    /// <summary>Dead at once.</summary>
    [JsonStringEnumMemberName("single_use")]
    SingleUse,

    /// <summary>Dead at once, and a second use ends the whole grant.</summary>
    [JsonStringEnumMemberName("family_revoking")]
    FamilyRevoking,

    /// <summary>There are no refresh tokens.</summary>
    [JsonStringEnumMemberName("none")]
    None,
}
