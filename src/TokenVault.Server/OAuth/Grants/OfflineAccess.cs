using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>The refresh token that goes with what a user has granted.</summary>
internal static class OfflineAccess
{
    /// <returns>The new family, which the batch now inserts, and its first token; nulls where there is to be none.</returns>
    public static (string? Id, Secret? Token) Grant(
        Batch batch, RefreshTokens refreshTokens, Client client, string userId, string? audience, ApiAccess access, IdTokenContext about)
    {
        if (!access.Scopes.Contains(Wire.OfflineAccess))
        {
            return (null, null);
        }

        var (family, token) = refreshTokens.Create(client, userId, audience, access.Scopes);
        batch.Insert(family with
        {
            SessionId = about.SessionId,
            AuthenticatedAt = about.AuthenticatedAt,
            Methods = about.Methods,

            // A confidential client is bound to its tokens by its authentication (RFC 9449 §5).
            BoundTo = client.IsPublic && !access.BoundTo.IsNone ? access.BoundTo : null,
        });
        return (family.Id, token);
    }
}
