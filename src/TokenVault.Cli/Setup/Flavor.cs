namespace TokenVault.Cli.Setup;

/// <summary>What an application exchanges for a provider's token.</summary>
internal enum Flavor
{
    ConnectedAccounts,
    RefreshTokenExchange,
    AccessTokenExchange,
    PrivilegedWorker,
}

/// <summary>The flavours by the names that the original tool gives them.</summary>
internal static class Flavors
{
    public static IReadOnlyDictionary<string, Flavor> ByName { get; } = new Dictionary<string, Flavor>(StringComparer.Ordinal)
    {
        ["connected_accounts"] = Flavor.ConnectedAccounts,
        ["refresh_token_exchange"] = Flavor.RefreshTokenExchange,
        ["access_token_exchange"] = Flavor.AccessTokenExchange,
        ["privileged_worker"] = Flavor.PrivilegedWorker,
    };

    public static string Name(Flavor flavor) => ByName.First(pair => pair.Value == flavor).Key;

    public static string Title(Flavor flavor) => flavor switch
    {
        Flavor.ConnectedAccounts => "Connected Accounts: users link and manage their accounts in your application",
        Flavor.RefreshTokenExchange => "Refresh Token Exchange: a backend gets providers' tokens with its refresh tokens",
        Flavor.AccessTokenExchange => "Access Token Exchange: an API gets providers' tokens with the access tokens it receives",
        _ => "Privileged Worker: a service gets providers' tokens for users who are not present",
    };
}
