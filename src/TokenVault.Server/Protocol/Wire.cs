namespace TokenVault.Server.Protocol;

/// <summary>Parameter names, grant types and URNs, as they stand on the wire.</summary>
internal static class Wire
{
    public const string AuthorizationCode = "authorization_code";
    public const string RefreshToken = "refresh_token";
    public const string ClientCredentials = "client_credentials";

    public const string DeviceCode = "urn:ietf:params:oauth:grant-type:device_code";
    /// <summary>The user is asked on another device (OpenID Connect CIBA Core §4).</summary>
    public const string Ciba = "urn:openid:params:grant-type:ciba";

    /// <summary>Where a client asks for a user's approval.</summary>
    public const string BackchannelPath = "/bc-authorize";

    /// <summary>Auth0 Token Vault's exchange: our token for a provider's access token.</summary>
    public const string FederatedExchange = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";

    /// <summary>RFC 8693: a token of ours for another token of ours.</summary>
    public const string TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";

    public const string RefreshTokenType = "urn:ietf:params:oauth:token-type:refresh_token";
    public const string AccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
    public const string IdTokenType = "urn:ietf:params:oauth:token-type:id_token";
    public const string JwtType = "urn:ietf:params:oauth:token-type:jwt";

    /// <summary>The one kind of client assertion (RFC 7523 §2.2).</summary>
    public const string JwtBearerAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    public const string FederatedAccessTokenType = "http://auth0.com/oauth/token-type/federated-connection-access-token";

    /// <summary>The newer spelling of <see cref="FederatedAccessTokenType"/>.</summary>
    public const string VaultAccessTokenType = "http://auth0.com/oauth/token-type/token-vault-access-token";

    /// <summary>For privileged workers only.</summary>
    public const string FederatedRefreshTokenType = "http://auth0.com/oauth/token-type/federated-connection-refresh-token";

    /// <summary>The newer spelling of <see cref="FederatedRefreshTokenType"/>.</summary>
    public const string VaultRefreshTokenType = "http://auth0.com/oauth/token-type/token-vault-refresh-token";

    public const string OfflineAccess = "offline_access";
    public const string OpenId = "openid";

    public const string CreateConnectedAccounts = "create:me:connected_accounts";
    public const string ReadConnectedAccounts = "read:me:connected_accounts";
    public const string DeleteConnectedAccounts = "delete:me:connected_accounts";

    /// <summary>Of the MCP server: to call providers with the user's tokens.</summary>
    public const string UseConnectedAccounts = "use:me:connected_accounts";

    /// <summary>The connection of local users.</summary>
    public const string DatabaseConnection = "Username-Password-Authentication";
}
