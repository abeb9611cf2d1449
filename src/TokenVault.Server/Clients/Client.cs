using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>An application. Members bear their wire names; the secret is kept as a keyed hash only.</summary>
internal sealed record Client : IRecord<Client>
{
    public const string PrivateKeyJwt = "private_key_jwt";
    public const string Tls = "tls_client_auth";
    public const string SelfSignedTls = "self_signed_tls_client_auth";

    public static string Kind => "client";

    public static JsonTypeInfo<Client> TypeInfo => ClientsJson.Default.Client;

    public required string ClientId { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public string? LogoUri { get; init; }

    /// <summary>native, spa, regular_web, non_interactive or resource_server.</summary>
    public string AppType { get; set; } = "regular_web";

    /// <summary>With <c>app_type=resource_server</c>: the API whose access tokens this client may exchange.</summary>
    public string? ResourceServerIdentifier { get; init; }

    public bool IsFirstParty { get; set; } = true;

    public bool OidcConformant { get; set; } = true;

    public IReadOnlyList<string> Callbacks { get; set; } = [];

    public IReadOnlyList<string> AllowedLogoutUrls { get; set; } = [];

    public IReadOnlyList<string> WebOrigins { get; set; } = [];

    public IReadOnlyList<string> AllowedOrigins { get; set; } = [];

    public IReadOnlyList<string> GrantTypes { get; set; } = [];

    public JwtConfiguration JwtConfiguration { get; set; } = new();

    /// <summary>none, client_secret_post, client_secret_basic, private_key_jwt, tls_client_auth or self_signed_tls_client_auth.</summary>
    public string TokenEndpointAuthMethod { get; set; } = "client_secret_post";

    /// <summary>Its public keys and certificates, whatever they are for.</summary>
    public IReadOnlyList<ClientCredential> Credentials { get; set; } = [];

    /// <summary>The ids of those that it authenticates by.</summary>
    public IReadOnlyList<string> AuthenticationCredentials { get; set; } = [];

    /// <summary>Null: it is no privileged worker.</summary>
    public PrivilegedAccess? PrivilegedAccess { get; init; }

    /// <summary>Null: none but what its grant types say.</summary>
    public TokenExchangeSettings? TokenExchange { get; init; }

    /// <summary>Null: nothing is restricted.</summary>
    public AgentPolicy? AgentPolicy { get; init; }

    public RefreshTokenSettings RefreshToken { get; set; } = new();

    /// <summary>Its tokens are always bound to a key, whatever the API demands.</summary>
    public bool RequireProofOfPossession { get; init; }

    /// <summary>Its users may be sent to <c>/authorize</c> only with what it has pushed to <c>/oauth/par</c> (RFC 9126 §6).</summary>
    public bool RequirePushedAuthorizationRequests { get; init; }

    /// <summary>Null: it is not told when sessions end.</summary>
    public OidcLogout? OidcLogout { get; init; }

    public JsonObject? ClientMetadata { get; init; }

    /// <summary>Keyed hash of the client secret (T-CA-02). A public client may have one, too: it counts once the client is public no more.</summary>
    public string? SecretHash { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    [JsonIgnore]
    public bool IsPublic => string.Equals(TokenEndpointAuthMethod, "none", StringComparison.Ordinal);

    [JsonIgnore]
    public bool UsesCertificate => TokenEndpointAuthMethod is Tls or SelfSignedTls;

    [JsonIgnore]
    public bool AcceptsSecret => TokenEndpointAuthMethod is "client_secret_post" or "client_secret_basic";

    [JsonIgnore]
    public long Version { get; init; }

    string IRecord<Client>.Id => ClientId;

    IEnumerable<EntityKey> IRecord<Client>.Keys =>
        WebOrigins.Concat(AllowedOrigins).Distinct(StringComparer.Ordinal).Select(origin => EntityKey.Index("origin", origin))
            .Concat(Credentials.Select(credential => credential.Identity).OfType<string>().Distinct(StringComparer.Ordinal).Select(key => EntityKey.UniqueKey("credential", key)));

    public Client AtVersion(long version) => this with { Version = version };

    public ClientCredential? Credential(string id) => Credentials.FirstOrDefault(credential => string.Equals(credential.Id, id, StringComparison.Ordinal));

    public bool Uses(string credentialId) =>
        AuthenticationCredentials.Contains(credentialId, StringComparer.Ordinal)
        || PrivilegedAccess?.Credentials.Contains(credentialId, StringComparer.Ordinal) == true;

    public bool MayUse(string grantType) =>
        GrantTypes.Contains(grantType, StringComparer.Ordinal) || (grantType == Wire.TokenExchange && TokenExchange is { AllowsGrant: true });
}

internal sealed record JwtConfiguration
{
    /// <summary>Of ID tokens: RS256 or ES256.</summary>
    public string Alg { get; set; } = "RS256";

    /// <summary>Of ID tokens, in seconds.</summary>
    public int LifetimeInSeconds { get; set; } = 36_000;
}

/// <summary>How the client's refresh tokens live. Lifetimes are in seconds.</summary>
internal sealed record RefreshTokenSettings
{
    /// <summary>rotating or non-rotating.</summary>
    public string RotationType { get; set; } = "non-rotating";

    /// <summary>expiring or non-expiring.</summary>
    public string ExpirationType { get; set; } = "non-expiring";

    /// <summary>With rotation: how long the previous token still answers with the same successor.</summary>
    public int Leeway { get; init; }

    public int TokenLifetime { get; set; } = 2_592_000;

    public bool InfiniteTokenLifetime { get; init; }

    public int IdleTokenLifetime { get; set; } = 1_296_000;

    public bool InfiniteIdleTokenLifetime { get; init; }

    /// <summary>Which further APIs this client's refresh tokens are good for (multi-resource refresh tokens).</summary>
    public IReadOnlyList<RefreshTokenPolicy> Policies { get; set; } = [];

    [JsonIgnore]
    public bool Rotating => string.Equals(RotationType, "rotating", StringComparison.Ordinal);

    [JsonIgnore]
    public bool Expiring => Rotating || string.Equals(ExpirationType, "expiring", StringComparison.Ordinal);
}

internal sealed record RefreshTokenPolicy
{
    public required string Audience { get; init; }

    public IReadOnlyList<string> Scope { get; set; } = [];
}
