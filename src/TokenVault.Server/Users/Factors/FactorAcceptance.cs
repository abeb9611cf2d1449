using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users.Factors;

/// <summary>
/// What comes of a factor that was proved, in one commit: the use of it, the session that is worth more now, the browser that is known, and
/// the trace.
/// </summary>
internal sealed class FactorAcceptance(IStorage storage, SessionCookie sessions, KnownBrowsers browsers, AuditLog audit)
{
    private const int Attempts = 3;

    /// <param name="used">The factors after this use.</param>
    /// <param name="method">Null where tokens have no name for it.</param>
    /// <returns>False when another request was faster: with the same code, or by signing out.</returns>
    public async Task<bool> AcceptAsync(HttpContext context, FactorVisit visit, UserFactors used, string? method, string type)
    {
        var value = Identifier.Secret();
        string[] methods = method is null ? [AuthenticationMethod.MultiFactor] : [method, AuthenticationMethod.MultiFactor];
        var session = visit.SignedIn.Session;
        for (var attempt = 0; attempt < Attempts && session is not null; attempt++)
        {
            var batch = new Batch().Replace(SessionCookie.Raised(session, value, methods)).Append(Row(context, visit, type));
            batch = used.Version == 0 ? batch.Insert(used) : batch.Replace(used);
            var browser = await browsers.RememberAsync(context, batch, used.UserId);
            if ((await storage.CommitAsync(batch)).Committed)
            {
                sessions.Set(context, value, session.AbsoluteExpiresAt);
                KnownBrowsers.SetCookie(context, browser);
                return true;
            }

            session = await storage.FindAsync<Session>(session.Id, context.RequestAborted);
        }

        return false;
    }

    public async Task RefusedAsync(HttpContext context, FactorVisit visit, string type) =>
        await storage.CommitAsync(new Batch().Append(Row(context, visit, type)));

    /// <summary>A wrong code of a factor that there is counts, wherever it was entered (see <see cref="FactorCodes"/>).</summary>
    public async Task CountFailureAsync(HttpContext context, FactorVisit visit, DateTimeOffset now)
    {
        var row = Row(context, visit, AuditType.FactorRefused);
        for (var factors = visit.Factors; factors is { Version: > 0 }; factors = await storage.FindAsync<UserFactors>(factors.UserId, CancellationToken.None))
        {
            var counted = factors with { Failures = factors.Failures + 1, FailedAt = now };
            if ((await storage.CommitAsync(new Batch().Replace(counted).Append(row))).Committed)
            {
                return;
            }
        }

        await storage.CommitAsync(new Batch().Append(row));
    }

    private AuditRow Row(HttpContext context, FactorVisit visit, string type)
    {
        var origin = RequestOrigin.Of(context);
        return audit.Row(new AuditEvent
        {
            Type = type,
            Connection = visit.SignedIn.Session.Connection,
            UserId = visit.User.UserId,
            UserName = visit.User.Email ?? visit.User.Username,
            Ip = origin.Ip,
            UserAgent = origin.UserAgent,
        });
    }
}
