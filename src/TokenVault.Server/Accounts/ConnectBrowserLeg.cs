using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Accounts;

/// <summary>
/// The browser's way through connecting an account: ticket → provider → callback → application. The browser that used the
/// ticket is bound by a cookie, the callback by state, cookie and the connection's own path (T-CF-05, T-CF-06), each used once.
/// </summary>
internal sealed class ConnectBrowserLeg(
    IStorage storage, RecordCache cache, ProviderClient provider, ConnectSealer sealer, SessionCookie sessions, ConnectCallback callback)
{
    public const string ConnectPath = "/connected-accounts/connect";

    /// <summary>How long the user may take at the provider.</summary>
    private static readonly TimeSpan AtProvider = TimeSpan.FromMinutes(15);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(ConnectPath, BeginAsync);
        routes.MapGet("/login/callback/{connection}", CallbackAsync);
    }

    private async Task BeginAsync(HttpContext context)
    {
        var cancellationToken = context.RequestAborted;
        var request = context.Request.Query["ticket"] is [{ Length: > 0 and <= 128 } ticket]
            ? await storage.FindByKeyAsync<ConnectRequest>("ticket", Identifier.Hash(ticket), cancellationToken)
            : null;
        if (request is not { Stage: ConnectStage.Created })
        {
            await Expired().WriteAsync(context);
            return;
        }

        // Somebody else's link, opened by a user who is signed in here: not theirs to complete (T-CF-02).
        if (await sessions.FindAsync(context) is { } signedIn && signedIn.User.UserId != request.UserId)
        {
            await Page.Error(403, "This link is for another user", "You are signed in as someone else. Start again from the application.").WriteAsync(context);
            return;
        }

        var connection = await cache.FindAsync<Connection>(request.ConnectionId, cancellationToken);
        if (connection is null)
        {
            await Expired().WriteAsync(context);
            return;
        }

        await SendToProviderAsync(context, request, connection);
    }

    private async Task SendToProviderAsync(HttpContext context, ConnectRequest request, Connection connection)
    {
        var state = new Secret(Identifier.Secret());
        var browser = new Secret(Identifier.Secret());
        var proof = new ConnectProof(Identifier.Secret(), Identifier.Secret());
        var url = await provider.AuthorizeUrlAsync(
            connection,
            new AuthorizeUpstream(provider.CallbackUrl(connection), state.Reveal(), proof.Nonce, proof.CodeVerifier, request.Scopes, request.Parameters),
            context.RequestAborted);
        if (url.Value is null)
        {
            await callback.FailAsync(context, request, connection, url.Failure!);
            return;
        }

        var started = request with
        {
            Stage = ConnectStage.Started,
            ProviderStateHash = Identifier.Hash(state.Reveal()),
            BrowserHash = Identifier.Hash(browser.Reveal()),
            SealedProof = sealer.Seal(request, proof),
            Deadline = callback.Now + AtProvider,
        };
        if (!(await storage.CommitAsync(new Batch().Replace(started))).Committed)
        {
            await Expired().WriteAsync(context);
            return;
        }

        context.Response.Cookies.Append(CookieName(state), browser.Reveal(), Cookie(AtProvider));
        OAuthResponse.NoStore(context);
        context.Response.Redirect(url.Value);
    }

    private async Task CallbackAsync(HttpContext context)
    {
        var query = RequestParameters.FromQuery(context.Request.QueryString.Value ?? "");
        if (query.Failed(out _) || query.Value["state"] is not { Length: <= 128 } state)
        {
            await Expired().WriteAsync(context);
            return;
        }

        var cookie = CookieName(new Secret(state));
        var browser = context.Request.Cookies[cookie];
        var request = await storage.FindByKeyAsync<ConnectRequest>("provider-state", Identifier.Hash(state), context.RequestAborted);
        if (request is not { Stage: ConnectStage.Started } || !IsSameBrowser(request, browser))
        {
            await Expired().WriteAsync(context);
            return;
        }

        // The path names the connection that the provider was told: another one means a mix-up (RFC 9700 §4.4).
        var connection = await cache.FindAsync<Connection>(request.ConnectionId, context.RequestAborted);
        if (connection is null || !string.Equals(connection.Name, context.Request.RouteValues["connection"] as string, StringComparison.Ordinal))
        {
            await Expired().WriteAsync(context);
            return;
        }

        context.Response.Cookies.Delete(cookie, Cookie(lifetime: null));
        await callback.HandleAsync(context, request, connection, query.Value);
    }

    private static bool IsSameBrowser(ConnectRequest request, string? browser) =>
        browser is { Length: > 0 and <= 128 }
        && CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(request.BrowserHash ?? ""), Encoding.ASCII.GetBytes(Identifier.Hash(browser)));

    /// <summary>One cookie per attempt, so that two tabs do not disturb each other.</summary>
    private static string CookieName(Secret state) => "__Host-tv_connect_" + Identifier.Hash(state.Reveal())[..16];

    private static CookieOptions Cookie(TimeSpan? lifetime) =>
        new() { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = lifetime };

    private static Page Expired() =>
        Page.Error(400, "This link has expired or was used already", "Go back to the application and connect the account again.");
}
