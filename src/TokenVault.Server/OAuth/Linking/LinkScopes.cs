using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Linking;

/// <summary>
/// Linking and unlinking that users ask for by way of their application: an authorization request with the scope <c>link_account</c> or
/// <c>unlink_account</c>, <c>requested_connection</c>, and an ID token of the user who is signed in as <c>id_token_hint</c>.
/// </summary>
internal sealed class LinkScopes(IStorage storage, SignInDeparture departure, IdentityLinking linking, AuditLog audit)
{
    private const string Link = "link_account";
    private const string Unlink = "unlink_account";
    private const int Attempts = 5;

    /// <summary>What such a request must bring along; null when it does, or is none.</summary>
    public static OAuthError? Refusal(AuthorizeRequest request)
    {
        var (link, unlink) = (request.Scopes.Contains(Link), request.Scopes.Contains(Unlink));
        if (!link && !unlink)
        {
            return null;
        }

        if (link && unlink)
        {
            return OAuthError.InvalidScope("Linking and unlinking are two requests.");
        }

        if (!request.Client.IsFirstParty)
        {
            return OAuthError.UnauthorizedClient("Only a first-party client may link identities.");
        }

        // Without it, a link that anybody could write would link whatever identity its reader has at hand (T-CF-13).
        return request.IdTokenHint is null || request.Upstream.LinkConnection is null
            ? OAuthError.InvalidRequest("Linking needs requested_connection, and an ID token of the user as id_token_hint.")
            : null;
    }

    public static bool IsNeeded(AuthorizeRequest request, PageState? resumed) =>
        request.Scopes.Contains(Link) && (resumed?.Linked is not { } linked || linked != request.Upstream.LinkConnection);

    /// <returns>An error to take to the client, or null when the browser is on its way to the provider.</returns>
    public async Task<OAuthError?> BeginAsync(HttpContext context, AuthorizeRequest request, PageOrigin origin, User user)
    {
        if (request.Prompt.Contains("none"))
        {
            return new OAuthError(400, "interaction_required", "The user has to prove the identity that is to be linked.");
        }

        return await departure.FindAsync(request.Upstream.LinkConnection!, request.Client, context.RequestAborted) is { } connection
            ? await departure.SendAsync(context, request, connection, new SignInOrigin(origin.Query, origin.Since, user.UserId))
            : OAuthError.InvalidRequest("The requested_connection is not enabled for sign-in.");
    }

    /// <summary>The last step before the code, so that it happens once.</summary>
    public async Task<OAuthError?> UnlinkAsync(HttpContext context, AuthorizeRequest request, SignedIn signedIn)
    {
        if (!request.Scopes.Contains(Unlink))
        {
            return null;
        }

        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var user = await storage.FindAsync<User>(signedIn.User.UserId, context.RequestAborted);
            var found = user?.Linked.Where(identity => identity.Connection == request.Upstream.LinkConnection).ToList();
            if (found is not [var identity])
            {
                return OAuthError.InvalidRequest("The user has no linked identity at requested_connection, or more than one.");
            }

            var batch = new Batch();
            await linking.RemoveAsync(batch, user!, identity, signedIn.Session, context.RequestAborted);
            if ((await storage.CommitAsync(batch.Append(audit.Row(Trace(context, request, signedIn.User, identity))))).Committed)
            {
                return null;
            }
        }

        return new OAuthError(400, "temporarily_unavailable", "The user is being changed elsewhere. Try again.");
    }

    private static AuditEvent Trace(HttpContext context, AuthorizeRequest request, User user, UserIdentity identity)
    {
        return new AuditEvent
        {
            Type = AuditType.ManagementWrite,
            Description = "Unlink an identity",
            ClientId = request.Client.ClientId,
            UserId = user.UserId,
            Connection = identity.Connection,
            ConnectionId = identity.ConnectionId,
        }.From(RequestOrigin.Of(context));
    }
}
