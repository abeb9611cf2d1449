namespace TokenVault.Cli.Api;

/// <summary>What a person logs in for.</summary>
/// <param name="Api">Which API, below the issuer.</param>
internal sealed record DeviceScope(string Api, string Scope, bool OwnAccounts)
{
    /// <summary>So that it renews itself (OpenID Connect Core §11).</summary>
    private const string Offline = "openid offline_access";

    /// <param name="scopes">Null: none but those that the login itself needs.</param>
    public static DeviceScope Management(string? scopes) => new("api/v2/", $"{Offline} {scopes}".TrimEnd(), OwnAccounts: false);

    public static DeviceScope MyAccount() => new("me/", $"{Offline} {string.Join(' ', Setup.Wire.AccountScopes)}", OwnAccounts: true);
}
