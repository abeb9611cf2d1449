namespace TokenVault.Server.Connections;

/// <summary>A provider's addresses for one connection: the connection's options before the catalogue, that before the provider's metadata.</summary>
internal sealed record ProviderEndpoints
{
    public string? Issuer { get; init; }

    public string? DiscoveryUrl { get; init; }

    public string? JwksUri { get; init; }

    public string? AuthorizationEndpoint { get; init; }

    public string? TokenEndpoint { get; init; }

    public string? RefreshEndpoint { get; init; }

    public string? UserinfoEndpoint { get; init; }

    public string? RevocationEndpoint { get; init; }

    /// <summary>The metadata promise an <c>iss</c> on every authorization response (RFC 9207 §3).</summary>
    public bool IssRequired { get; init; }

    /// <summary>From the metadata; null when that was not asked for or says nothing.</summary>
    public ClientAuthMethod? AuthMethod { get; init; }

    /// <summary>From the metadata: what id_tokens may be signed with.</summary>
    public IReadOnlyList<string> SigningAlgorithms { get; init; } = [];

    public static ProviderEndpoints Of(Connection connection, Provider provider)
    {
        var options = connection.Options;

        // An operator who names another issuer means another provider: the catalogue's keys and metadata are not that one's.
        var ownIssuer = options.Issuer is not null || options.DiscoveryUrl is not null;
        var issuer = ownIssuer ? options.Issuer : provider.Issuer;
        return new ProviderEndpoints
        {
            Issuer = issuer,
            DiscoveryUrl = ownIssuer ? options.DiscoveryUrl ?? Derived(issuer, provider) : provider.DiscoveryUrl,
            JwksUri = ownIssuer ? null : provider.JwksUri,
            AuthorizationEndpoint = options.AuthorizationUrl ?? provider.AuthorizationEndpoint,
            TokenEndpoint = options.TokenUrl ?? provider.TokenEndpoint,
            RefreshEndpoint = options.TokenUrl is null ? provider.RefreshEndpoint : null,
            UserinfoEndpoint = options.UserInfoUrl ?? provider.User?.Endpoint,
            RevocationEndpoint = options.RevocationUrl ?? provider.Revocation?.Endpoint,
        };
    }

    /// <summary>These, and from the metadata what these leave open.</summary>
    public ProviderEndpoints CompletedBy(ProviderEndpoints metadata) => metadata with
    {
        DiscoveryUrl = DiscoveryUrl,
        JwksUri = JwksUri ?? metadata.JwksUri,
        AuthorizationEndpoint = AuthorizationEndpoint ?? metadata.AuthorizationEndpoint,
        TokenEndpoint = TokenEndpoint ?? metadata.TokenEndpoint,
        RefreshEndpoint = RefreshEndpoint,
        UserinfoEndpoint = UserinfoEndpoint ?? metadata.UserinfoEndpoint,
        RevocationEndpoint = RevocationEndpoint ?? metadata.RevocationEndpoint,
    };

    /// <summary>OpenID Connect Discovery §4: a terminating slash of the issuer goes before the path is added.</summary>
    private static string? Derived(string? issuer, Provider provider) =>
        issuer is null || !provider.OpenIdConnect ? null : issuer.TrimEnd('/') + ProviderMetadata.WellKnown;
}
