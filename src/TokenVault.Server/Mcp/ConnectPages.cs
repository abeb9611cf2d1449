using TokenVault.Server.Accounts;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Mcp;

/// <summary>
/// Connecting for an agent, which has no page for the browser to come back to. Both at the departure and at the return the user who asked
/// has to be the one who is signed in in this browser: nobody connects an account of theirs to somebody else's vault by a link that they
/// were sent (T-CF-02), and the return counts in the browser of the departure only (T-CF-05).
/// </summary>
internal sealed class ConnectPages(RecordCache cache, SessionCookie sessions, ConnectLinks links, ConnectFlow flow, ConnectCompletion completion, TokenVaultOptions options)
{
    private const string ReturnPath = "/mcp/connected";

    private readonly string _returnUri = options.Issuer + ReturnPath[1..];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(ConnectLinks.Path, BeginAsync);
        routes.MapGet(ReturnPath, ReturnAsync);
    }

    private async Task BeginAsync(HttpContext context)
    {
        if (links.Wish(context.Request.Query["request"]) is not { } wish
            || await cache.FindAsync<Client>(wish.ClientId, context.RequestAborted) is null)
        {
            await Over().WriteAsync(context);
            return;
        }

        if (await WrongUserAsync(context, wish.UserId) is { } stranger)
        {
            await stranger.WriteAsync(context);
            return;
        }

        var (state, verifier) = (Identifier.Secret(), Identifier.Secret());
        var body = new ConnectBody(wish.Connection, _returnUri)
        {
            State = state,
            CodeChallenge = Pkce.Challenge(verifier),
            Scopes = wish.Scopes.Count == 0 ? null : wish.Scopes,
            ReturnsHere = true,
        };
        var (ticket, problem) = await flow.StartAsync(Caller(wish.UserId, wish.ClientId, wish.Until), body, context.RequestAborted);
        if (ticket is null)
        {
            await Page.Error(problem!.Status, "The account cannot be connected", problem.Detail).WriteAsync(context);
            return;
        }

        var visit = new ConnectVisit(wish.UserId, wish.ClientId, ticket.Session.Reveal(), verifier, wish.Until + UpstreamCookie.AtProvider);
        context.Response.Cookies.Append(CookieOf(state), links.Seal(visit), Options(UpstreamCookie.AtProvider));
        context.Response.Redirect($"{options.Issuer}{ConnectBrowserLeg.ConnectPath[1..]}?ticket={ticket.Ticket.Reveal()}");
    }

    private async Task ReturnAsync(HttpContext context)
    {
        var cookie = CookieOf(context.Request.Query["state"].ToString());
        var visit = links.Visit(context.Request.Cookies[cookie]);
        context.Response.Cookies.Delete(cookie, Options(lifetime: null));
        if (visit is null)
        {
            await Over().WriteAsync(context);
            return;
        }

        if (await WrongUserAsync(context, visit.UserId) is { } stranger)
        {
            await stranger.WriteAsync(context);
            return;
        }

        if (context.Request.Query["connect_code"] is not [{ Length: > 0 and <= 64 } code])
        {
            await Page.Error(400, "No account was connected", "The provider, or you, did not allow it. Ask your agent for another link to try again.").WriteAsync(context);
            return;
        }

        var body = new CompleteBody(new Secret(visit.Session), new Secret(code), _returnUri, new Secret(visit.Verifier));
        var trace = MyAccountEvents.Event(AuditType.ConnectedAccountSucceeded, context, visit.UserId, visit.ClientId);
        var (account, problem) = await completion.CompleteAsync(Caller(visit.UserId, visit.ClientId, visit.Until), body, trace, context.RequestAborted);
        var page = account is null
            ? Page.Error(problem!.Status, "The account was not connected", problem.Detail)
            : new Page("Account connected", Html.Of($"<h1>Account connected</h1><p>Your account at {account.Connection} is connected. Go back to your agent. You can close this window.</p>"));
        await page.WriteAsync(context);
    }

    /// <returns>Null: it is the user.</returns>
    private async ValueTask<Page?> WrongUserAsync(HttpContext context, string userId) => await sessions.FindAsync(context) switch
    {
        null => Page.Error(401, "Sign in first", "Nobody is signed in in this browser. Sign in to your agent in this browser, then ask it for another link."),
        { User: var user } when user.UserId != userId => Page.Error(
            403, "This link is for another user", "You are signed in as someone else. Do not connect accounts by links that others have sent you."),
        _ => null,
    };

    private static AccessToken Caller(string userId, string clientId, DateTimeOffset until) => new(clientId, userId, [], [], until) { BoundTo = Confirmation.None };

    private static Page Over() => Page.Error(400, "This link has expired", "Ask your agent for another one. Cookies must be allowed.");

    private static string CookieOf(string state) => $"__Host-tv_mcp_{Identifier.Hash(state)[..16]}";

    private static CookieOptions Options(TimeSpan? lifetime) =>
        new() { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = lifetime };
}
