namespace TokenVault.Client.Wire;

/// <summary>What the protocol calls things.</summary>
internal static class Names
{
    public const string FederatedExchange = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";
    public const string FederatedAccessToken = "http://auth0.com/oauth/token-type/federated-connection-access-token";
    public const string WorkerAccessToken = "http://auth0.com/oauth/token-type/token-vault-access-token";
    public const string RefreshTokenType = "urn:ietf:params:oauth:token-type:refresh_token";
    public const string AccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
    public const string JwtType = "urn:ietf:params:oauth:token-type:jwt";
    public const string AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    public const string Ciba = "urn:openid:params:grant-type:ciba";
    public const string CreateAccounts = "create:me:connected_accounts";
    public const string ReadAccounts = "read:me:connected_accounts";
    public const string DeleteAccounts = "delete:me:connected_accounts";
}
