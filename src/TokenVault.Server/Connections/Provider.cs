namespace TokenVault.Server.Connections;

/// <summary>
/// A provider that the server knows: one file of <c>Connections/Providers</c>. Everything in which providers differ is data there;
/// what a connection's options name goes before it. Texts may hold <c>{name}</c> of a <see cref="Variables">variable</see>.
/// </summary>
internal sealed record Provider
{
    /// <summary>The name on the wire: a connection's <c>strategy</c>, and the file's name.</summary>
    public required string Strategy { get; init; }

    public required string DisplayName { get; init; }

    /// <summary>Where the provider documents its OAuth endpoints.</summary>
    public required string Documentation { get; init; }

    /// <summary>What an operator must know before the connection works as they expect.</summary>
    public IReadOnlyList<string> Notes { get; set; } = [];

    /// <summary>The endpoints come from the connection.</summary>
    public bool Custom { get; init; }

    /// <summary>The provider speaks OpenID Connect: a nonce is sent, and the id_token names the user.</summary>
    public bool OpenIdConnect { get; init; }

    /// <summary>What is different for each customer of the provider: a tenant, a subdomain. The connection's options set it by its name.</summary>
    public IReadOnlyList<ProviderVariable> Variables { get; set; } = [];

    /// <summary>May hold <c>{name}</c> of the <see cref="IssuerClaim"/>.</summary>
    public string? Issuer { get; init; }

    /// <summary>The id_token's claim that completes the issuer, where many issuers share the endpoints (Microsoft's <c>tid</c>).</summary>
    public string? IssuerClaim { get; init; }

    /// <summary>What else the id_token must say; <c>*</c>: anything, but something.</summary>
    public IReadOnlyDictionary<string, string> IdTokenClaims { get; set; } = Empty;

    public string? DiscoveryUrl { get; init; }

    public string? JwksUri { get; init; }

    public string? AuthorizationEndpoint { get; init; }

    public string? TokenEndpoint { get; init; }

    /// <summary>Where it is not the token endpoint.</summary>
    public string? RefreshEndpoint { get; init; }

    /// <summary>Null where nothing at the provider names the user: then a user has one account for each connection.</summary>
    public UserLookup? User { get; init; }

    /// <summary>How tokens are given back; null where the provider has no way.</summary>
    public required ProviderRevocation? Revocation { get; init; }

    /// <summary>Asked for when the connection names none.</summary>
    public IReadOnlyList<string> DefaultScopes { get; set; } = [];

    /// <summary>Asked for always, whatever the connection and the request name: without them there is no user id or no refresh token.</summary>
    public IReadOnlyList<string> RequiredScopes { get; set; } = [];

    /// <summary>Between the scopes of the authorization request.</summary>
    public string ScopeSeparator { get; set; } = " ";

    /// <summary>The authorization request's parameter for scopes.</summary>
    public string ScopeParameter { get; set; } = "scope";

    /// <summary>Whether a code challenge is sent (RFC 7636); some providers refuse parameters they do not know.</summary>
    public required bool Pkce { get; init; }

    /// <summary>Null: as the provider's metadata says (OpenID Connect Discovery §3: basic when it does not say).</summary>
    public ClientAuthMethod? TokenEndpointAuthMethod { get; init; }

    public TokenRequestFormat TokenRequestFormat { get; init; }

    /// <summary>Added to every request of ours to the provider.</summary>
    public IReadOnlyDictionary<string, string> RequestHeaders { get; set; } = Empty;

    /// <summary>Added to the authorization request.</summary>
    public IReadOnlyDictionary<string, string> AuthorizeParams { get; set; } = Empty;

    /// <summary>Added to the code's redemption.</summary>
    public IReadOnlyDictionary<string, string> TokenParams { get; set; } = Empty;

    /// <summary>Added to the refresh; <c>{redirect_uri}</c> stands for the connection's.</summary>
    public IReadOnlyDictionary<string, string> RefreshParams { get; set; } = Empty;

    /// <summary>Error codes of this provider that mean what <c>invalid_grant</c> means.</summary>
    public IReadOnlyList<string> DeadGrantErrors { get; set; } = [];

    /// <summary>Members of the token answer, or parameters of the callback, without which the token cannot be used: <c>instance_url</c>.</summary>
    public IReadOnlyList<string> KeptMembers { get; set; } = [];

    /// <summary>Names of <see cref="Quirks.KnownQuirks"/>: departures from the standard that take code.</summary>
    public IReadOnlyList<string> Quirks { get; set; } = [];

    public required RotationClass RotationClass { get; init; }

    /// <summary>How it narrows a token; only what it is documented, or known, to do: a provider that ignores the wish gives a token that is not handed out.</summary>
    public Downscope Downscope { get; init; }

    /// <summary>
    /// In seconds, for a provider that names none in its answers. Null: such tokens do not expire, or nobody knows; with a refresh token
    /// beside them an hour is assumed.
    /// </summary>
    public int? AccessTokenLifetime { get; init; }

    /// <summary>In days without use; null where they do not expire, or nobody says. For the operator.</summary>
    public int? RefreshTokenDays { get; init; }

    private static IReadOnlyDictionary<string, string> Empty { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>What an operator fills in to complete a provider's addresses.</summary>
internal sealed record ProviderVariable
{
    /// <summary>The member of the connection's options.</summary>
    public required string Name { get; init; }

    /// <summary>A regular expression that a value must match as a whole.</summary>
    public required string Pattern { get; init; }

    /// <summary>For the operator, and for the catalogue's own check.</summary>
    public required string Example { get; init; }

    /// <summary>Null: the operator must give a value.</summary>
    public string? Default { get; init; }
}

/// <summary>Where a provider says who the user is.</summary>
internal sealed record UserLookup
{
    /// <summary>Null: the token answer itself says it.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Where the request is a POST: its JSON.</summary>
    public string? Body { get; init; }

    /// <summary>May hold <c>{access_token}</c> and <c>{client_id}</c>; an <c>Authorization</c> takes the place of the Bearer one.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Dots between members, numbers for places in a list; the first path that is there counts.</summary>
    public required IReadOnlyList<string> Id { get; init; }

    public IReadOnlyList<string> Email { get; set; } = [];

    /// <summary>The workspace or company that the id is unique within; it becomes part of the account's issuer.</summary>
    public string? Tenant { get; init; }
}
