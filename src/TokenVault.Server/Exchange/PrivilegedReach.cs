using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server.Exchange;

/// <summary>Which connections and scopes the grants of a privileged worker let it reach (T-PW-09).</summary>
internal static class PrivilegedReach
{
    /// <summary>They tell who the user is and reach no data.</summary>
    private static readonly string[] OfIdentity = [Wire.OpenId, "profile", "email", Wire.OfflineAccess];

    public static OAuthError? ConnectionRefusal(ExchangeRequest request, Client client) =>
        !request.IsPrivileged || client.PrivilegedAccess?.Grants is not { } grants || Of(grants, request) is not null
            ? null
            : ExchangeErrors.Denied("The client's grants do not name the connection.");

    /// <summary>No provider narrows a token for us: one that is good for more than the grant says is not handed out at all.</summary>
    public static OAuthError? ScopeRefusal(ExchangeRequest request, Client client, Tokenset tokenset)
    {
        if (!request.IsPrivileged || client.PrivilegedAccess?.Grants is not { } grants || Of(grants, request) is not { } grant)
        {
            return null;
        }

        var beyond = tokenset.Scopes.Except(grant.Scopes, StringComparer.Ordinal).Except(OfIdentity, StringComparer.Ordinal).ToList();
        return beyond.Count == 0
            ? null
            : ExchangeErrors.Denied("The user's token is good for more than the client's grant.") with { Detail = "beyond the grant: " + OAuthError.Shown(Scope.Format(beyond)) };
    }

    private static PrivilegedGrant? Of(IReadOnlyList<PrivilegedGrant> grants, ExchangeRequest request) =>
        grants.FirstOrDefault(grant => string.Equals(grant.Connection, request.Connection, StringComparison.Ordinal));
}
