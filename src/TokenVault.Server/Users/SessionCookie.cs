using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>Who is signed in in this browser. The cookie holds 256 random bits; what they mean is in the store.</summary>
internal sealed class SessionCookie(IStorage storage, SessionTerms terms, TimeProvider time)
{
    private const string Name = "__Host-tv_session";
    private const int MostClients = 50;

    /// <summary>The live session of the browser and its user, if that user exists and is not blocked.</summary>
    public async ValueTask<SignedIn?> FindAsync(HttpContext context)
    {
        if (context.Request.Cookies[Name] is not { Length: > 0 and <= 128 } value)
        {
            return null;
        }

        var session = await storage.FindByKeyAsync<Session>("cookie", Identifier.Hash(value), context.RequestAborted);
        if (session is null || await storage.FindAsync<User>(session.UserId, context.RequestAborted) is not { Blocked: false } user)
        {
            return null;
        }

        return new SignedIn(session, user);
    }

    /// <summary>A new session under a new cookie; the caller removes the browser's former one in the same commit (session fixation).</summary>
    /// <param name="through">The identity by which the user signs in.</param>
    public async ValueTask<Session> BeginAsync(HttpContext context, User user, UserIdentity through)
    {
        var (idle, absolute) = await terms(context.RequestAborted);
        var now = time.GetUtcNow();
        var value = Identifier.Secret();
        Set(context, value, now + absolute);
        return new Session
        {
            Id = Identifier.Session(),
            UserId = user.UserId,
            Connection = through.Connection,
            Identity = through.FullId(),
            CookieHash = Identifier.Hash(value),
            AuthenticatedAt = now,
            IdleExpiresAt = now + idle,
            AbsoluteExpiresAt = now + absolute,
        };
    }

    /// <summary>The session after a client used it; the same instance when nothing worth a write has changed.</summary>
    public async ValueTask<Session> UsedAsync(Session session, string clientId)
    {
        var (lifetime, _) = await terms(CancellationToken.None);
        var idle = time.GetUtcNow() + lifetime;
        var known = session.ClientIds.Contains(clientId, StringComparer.Ordinal);
        if (known && (idle - session.IdleExpiresAt).Duration() < lifetime / 10)
        {
            return session;
        }

        return session with
        {
            IdleExpiresAt = idle,
            ClientIds = known || session.ClientIds.Count >= MostClients ? session.ClientIds : [.. session.ClientIds, clientId],
        };
    }

    /// <summary>
    /// The session once its user has proved more. It goes on under another cookie: who might have had the former one has not proved it.
    /// </summary>
    /// <param name="value">The cookie's, to be set when the session is stored.</param>
    public static Session Raised(Session session, string value, IReadOnlyList<string> methods) => session with
    {
        CookieHash = Identifier.Hash(value),
        Methods = [.. session.Methods.Union(methods, StringComparer.Ordinal)],
    };

    public void Set(HttpContext context, string value, DateTimeOffset until) => context.Response.Cookies.Append(Name, value, Cookie(until - time.GetUtcNow()));

    public static void Remove(HttpContext context) => context.Response.Cookies.Delete(Name, Cookie(lifetime: null));

    private static CookieOptions Cookie(TimeSpan? lifetime) =>
        new() { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = lifetime };
}

internal sealed record SignedIn(Session Session, User User);
