using TokenVault.Server.Http;

namespace TokenVault.Server.Clients;

/// <summary>
/// What of a client takes a scope of its own, as in Auth0: its secret, the keys that it authenticates with, and what makes it a privileged
/// worker. Whoever may change a client's addresses must not by that become the client, or a worker that reaches every user (T-MG-06).
/// </summary>
internal static class ClientScopes
{
    public const string OfNew =
        "client_authentication_methods takes the scope create:client_credentials, token_vault_privileged_access the scope update:client_token_vault_privileged_access as well.";

    public const string OfChange =
        "A member that is absent keeps its value; null resets it. client_secret takes the scope update:client_keys, client_authentication_methods "
        + "update:client_credentials, token_vault_privileged_access update:client_token_vault_privileged_access as well.";

    private static readonly RequiredScope Secret = new("update:client_keys");
    private static readonly RequiredScope NewCredentials = new("create:client_credentials");
    private static readonly RequiredScope Credentials = new("update:client_credentials");
    private static readonly RequiredScope PrivilegedAccess = new("update:client_token_vault_privileged_access");

    /// <param name="current">As stored; of version 0 for a new one, whose secret is its creator's anyway.</param>
    /// <param name="wanted">With the body laid over it.</param>
    public static ManagementError? Refusal(ManagementRequest request, Client current, Client wanted)
    {
        var isNew = current.Version == 0;
        return Missing(!isNew && wanted.SecretHash != current.SecretHash, Secret)
            ?? Missing(!wanted.AuthenticationCredentials.SequenceEqual(current.AuthenticationCredentials, StringComparer.Ordinal), isNew ? NewCredentials : Credentials)
            ?? Missing(!ReferenceEquals(wanted.PrivilegedAccess, current.PrivilegedAccess), PrivilegedAccess);

        ManagementError? Missing(bool changes, RequiredScope scope) => changes && !request.Holds(scope) ? ManagementError.InsufficientScope(scope) : null;
    }
}
