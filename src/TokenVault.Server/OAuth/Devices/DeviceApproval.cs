using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Devices;

/// <summary>What a user has answered about a device.</summary>
internal sealed class DeviceApproval(
    IStorage storage, DeviceRequests devices, SessionCookie sessions, RecordCache cache, ApiAccessPolicy policy, AuditLog audit)
{
    /// <returns>What the user is to be shown; or why there is nothing to show.</returns>
    public async ValueTask<(IReadOnlyList<string> Scopes, ResourceServer? Api, OAuthError? Refused)> ScopesAsync(
        AuthorizeRequest request, CancellationToken cancellationToken)
    {
        var access = await policy.ForUserAsync(request.Client, request.Audience, request.Scopes, cancellationToken);
        return access.Failed(out var refused) ? ([], null, refused) : (access.Value.Scopes, access.Value.Api, null);
    }

    /// <summary>Exactly what the page showed, by whom it asked, once.</summary>
    /// <returns>False when the device does not wait any more, or the user has signed out.</returns>
    public async ValueTask<bool> AnswerAsync(HttpContext context, string query, PageConsent asked, bool allowed)
    {
        // The device asks all the while, and so moves the version.
        while (await devices.FindByQueryAsync(query, context.RequestAborted) is { } request
            && await sessions.FindAsync(context) is { } signedIn
            && signedIn.User.UserId == asked.Subject
            && await cache.FindAsync<Client>(request.ClientId, context.RequestAborted) is { } client)
        {
            var batch = allowed ? await ApproveAsync(request, signedIn, asked) : new Batch().Replace(request with { State = DeviceState.Denied });
            var trace = TokenIssuer.Event(allowed ? AuditType.ConsentGiven : AuditType.ConsentDenied, client, RequestOrigin.Of(context)) with
            {
                UserId = asked.Subject,
                Audience = request.Audience,
                Scope = Scope.Format(asked.Scopes),
            };
            if ((await storage.CommitAsync(batch.Append(audit.Row(trace)))).Committed)
            {
                return true;
            }
        }

        return false;
    }

    private async ValueTask<Batch> ApproveAsync(DeviceRequest request, SignedIn signedIn, PageConsent asked)
    {
        var session = signedIn.Session;
        var batch = new Batch().Replace(request with
        {
            State = DeviceState.Approved,
            UserId = asked.Subject,
            SessionId = session.Id,
            AuthenticatedAt = session.AuthenticatedAt,
            Methods = session.Methods,
            Scopes = asked.Scopes,
        });

        // As with a code: replaced or required, never put, or it could bring back a session that has just ended.
        var used = await sessions.UsedAsync(session, request.ClientId);
        return ReferenceEquals(used, session) ? batch.Require(session) : batch.Replace(used);
    }
}
