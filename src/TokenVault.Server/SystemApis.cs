using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server;

/// <summary>The server's own APIs, as they are made on the first start.</summary>
internal static class SystemApis
{
    /// <summary>
    /// The scopes that tools ask for when they set themselves up, besides those that this version's endpoints require: a tool that
    /// asks for one too many must not be refused.
    /// </summary>
    private static readonly IReadOnlyList<string> KnownManagementScopes =
    [
        .. Crud("clients"), .. Crud("client_grants"), .. Crud("client_credentials"), .. Crud("connections"), .. Crud("resource_servers"),
        .. Crud("users"), .. Crud("token_exchange_profiles"), .. Crud("actions"),
        "read:client_keys", "update:client_keys", "update:client_token_vault_privileged_access", "read:connections_options",
        "read:user_idp_tokens", "read:federated_connections_tokensets", "update:federated_connections_tokensets",
        "read:logs", "read:logs_users", "read:refresh_tokens", "update:refresh_tokens", "delete:refresh_tokens",
        "read:sessions", "delete:sessions", "read:tenant_settings", "update:tenant_settings", "read:mfa_policies", "update:mfa_policies",
        "read:authentication_methods", "delete:authentication_methods",
        "create:signing_keys", "read:signing_keys", "update:signing_keys",
        "create:encryption_keys", "read:encryption_keys", "update:encryption_keys",
    ];

    public static string ManagementAudience(string issuer) => issuer + ManagementRoutes.BasePath;

    public static string MyAccountAudience(string issuer) => issuer + "me/";

    /// <param name="inUse">The scopes that the mapped endpoints require.</param>
    public static IReadOnlyList<ApiScope> ManagementScopes(IEnumerable<string> inUse) =>
    [
        .. KnownManagementScopes
            .Union(inUse, StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .Select(scope => new ApiScope { Value = scope, Description = Describe(scope) }),
    ];

    /// <summary>Only clients get its tokens: what a user may administer is no question this version answers.</summary>
    public static ResourceServer Management(string issuer, IReadOnlyList<ApiScope> scopes) => new()
    {
        Id = Identifier.ResourceServer(),
        Name = "Management API",
        Identifier = ManagementAudience(issuer),
        IsSystem = true,
        Scopes = scopes,
        SubjectTypeAuthorization = new SubjectTypeAuthorization
        {
            User = new SubjectTypePolicy { Policy = "deny_all" },
            Client = new SubjectTypePolicy { Policy = "require_client_grant" },
        },
    };

    /// <summary>Only users get its tokens, through clients that were granted it.</summary>
    public static ResourceServer MyAccount(string issuer) => new()
    {
        Id = Identifier.ResourceServer(),
        Name = "My Account",
        Identifier = MyAccountAudience(issuer),
        IsSystem = true,
        Scopes =
        [
            new ApiScope { Value = "read:me", Description = "Read your profile" },
            new ApiScope { Value = "update:me", Description = "Change your profile" },
            new ApiScope { Value = "delete:me", Description = "Delete your account" },
            new ApiScope { Value = Wire.CreateConnectedAccounts, Description = "Connect accounts of yours" },
            new ApiScope { Value = Wire.ReadConnectedAccounts, Description = "See your connected accounts" },
            new ApiScope { Value = Wire.DeleteConnectedAccounts, Description = "Disconnect accounts of yours" },
        ],
        AllowOfflineAccess = true,
        SubjectTypeAuthorization = new SubjectTypeAuthorization
        {
            User = new SubjectTypePolicy { Policy = "require_client_grant" },
            Client = new SubjectTypePolicy { Policy = "deny_all" },
        },
    };

    /// <summary>The MCP server, as an API of its own: a token for the one is none for the other.</summary>
    public static ResourceServer Mcp(string issuer) => MyAccount(issuer) with
    {
        Name = "MCP",
        Identifier = McpOptions.Audience(issuer),
        Scopes =
        [
            new ApiScope { Value = Wire.CreateConnectedAccounts, Description = "Connect accounts of yours" },
            new ApiScope { Value = Wire.ReadConnectedAccounts, Description = "See your connected accounts" },
            new ApiScope { Value = Wire.UseConnectedAccounts, Description = "Act at providers with your connected accounts" },
        ],
    };

    private static IEnumerable<string> Crud(string noun) => [$"create:{noun}", $"read:{noun}", $"update:{noun}", $"delete:{noun}"];

    private static string Describe(string scope) => char.ToUpperInvariant(scope[0]) + scope[1..].Replace(':', ' ').Replace('_', ' ');
}
