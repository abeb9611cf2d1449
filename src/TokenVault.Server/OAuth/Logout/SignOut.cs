using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Logout;

/// <summary>Ends the session of a browser, and tells the log of what is refused there.</summary>
internal sealed class SignOut(
    IStorage storage, RecordCache cache, SessionCookie sessions, LogoutOutbox outbox, AuditLog audit, AttemptLimiter limiter)
{
    /// <summary>A minute, from one network: anybody may send what is refused.</summary>
    private const int MostRefusalsTraced = 30;

    public async Task EndAsync(HttpContext context, string? clientId)
    {
        while (await sessions.FindAsync(context) is { } signedIn)
        {
            var ended = new AuditEvent
            {
                Type = AuditType.SuccessfulLogout,
                ClientId = clientId,
                UserId = signedIn.User.UserId,
            }.From(RequestOrigin.Of(context));
            var batch = new Batch();
            await outbox.EndAsync(signedIn.Session, SessionEndCause.Logout, batch, context.RequestAborted);
            if ((await storage.CommitAsync(batch.DeleteIndexed("session", signedIn.Session.Id).Append(audit.Row(ended)))).Committed)
            {
                break;
            }
        }

        SessionCookie.Remove(context);
    }

    /// <param name="client">Whatever the request names; one that does not exist is nothing for the log.</param>
    public async Task RefusedAsync(HttpContext context, string? client, string explanation)
    {
        if (limiter.Begin($"logouts {CallerNetwork.Of(context)}", MostRefusalsTraced) is null)
        {
            var known = client is null ? null : await cache.FindAsync<Client>(client, context.RequestAborted);
            await storage.CommitAsync(new Batch().Append(audit.Row(new AuditEvent
            {
                Type = AuditType.FailedLogout,
                Description = explanation,
                ClientId = known?.ClientId,
                ClientName = known?.Name,
                UserId = (await sessions.FindAsync(context))?.User.UserId,
            }.From(RequestOrigin.Of(context)))));
        }
    }
}
