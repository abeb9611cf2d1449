using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>How often a password may be tried, and what the log is told of sign-ins: never what was typed.</summary>
internal sealed class LoginAttempts(AttemptLimiter limiter, LimitAlarm alarm, IStorage storage, AuditLog audit)
{
    /// <summary>Failed attempts a minute, under whatever names: each costs a password hash and an audit row (T-DO-04).</summary>
    private const int MostFromOneNetwork = 60;

    /// <summary>Counts an attempt before it is made; false when it must not be.</summary>
    public async ValueTask<bool> MayTryAsync(HttpContext context, string username)
    {
        if (limiter.Begin(KeyOf(context, username)) is not null)
        {
            await alarm.RaiseAsync(KeyOf(context, username), Event(context, AuditType.BlockedAccount, user: null) with
            {
                Description = "Too many failed attempts for one name from one network",
            });
            return false;
        }

        if (limiter.Begin(KeyOf(context), MostFromOneNetwork) is not null)
        {
            await alarm.RaiseAsync(KeyOf(context), Event(context, AuditType.BlockedAddress, user: null) with
            {
                Description = "Too many failed attempts from one network",
            });
            return false;
        }

        return true;
    }

    /// <param name="user">Null when nobody has the name.</param>
    public async ValueTask FailedAsync(HttpContext context, User? user, bool isBlocked)
    {
        var failed = user is null ? Event(context, AuditType.FailedLoginUnknownUser, user) with { Description = "Nobody has this name" }
            : isBlocked ? Event(context, AuditType.FailedLogin, user) with { Description = "The user is blocked" }
            : Event(context, AuditType.FailedLoginWrongPassword, user) with { Description = "Wrong password" };
        await storage.CommitAsync(new Batch().Append(audit.Row(failed)));
    }

    /// <returns>The row for the commit that begins the session.</returns>
    public AuditRow Succeeded(HttpContext context, User user, string username)
    {
        limiter.Succeeded(KeyOf(context, username));
        limiter.Forgive(KeyOf(context));
        return audit.Row(Event(context, AuditType.SuccessfulLogin, user));
    }

    private static string KeyOf(HttpContext context) => $"logins {CallerNetwork.Of(context)}";

    private static string KeyOf(HttpContext context, string username) => $"login {username.ToLowerInvariant()} {CallerNetwork.Of(context)}";

    private static AuditEvent Event(HttpContext context, string type, User? user) => new AuditEvent
    {
        Type = type,
        Connection = Wire.DatabaseConnection,
        Strategy = "auth0",
        UserId = user?.UserId,
        UserName = user?.Email ?? user?.Username,
    }.From(RequestOrigin.Of(context));
}
