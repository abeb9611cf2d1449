namespace TokenVault.Server.Actions;

/// <summary><c>event.transaction.protocol</c>: by which an action tells a user who is there from one who is not.</summary>
internal static class TransactionProtocol
{
    /// <summary>The authorization code flow: the one in which the user can be asked for something.</summary>
    public const string AuthorizationCode = "oidc-basic-profile";

    public const string RefreshToken = "oauth2-refresh-token";

    public const string TokenExchange = "oauth2-token-exchange";

    public const string DeviceCode = "oauth2-device-code";

    public const string Ciba = "oidc-ciba";
}
