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
internal sealed class ConnectBrowserLeg(IStorage storage, RecordCache cache, SessionCookie sessions, ConnectPage page, ConnectDeparture departure, ConnectCallback callback)
{
    public const string ConnectPath = "/connected-accounts/connect";

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet(ConnectPath, BeginAsync);

    private async Task BeginAsync(HttpContext context)
    {
        var cancellationToken = context.RequestAborted;
        var confirmed = page.Answered(context);
        var ticket = confirmed ?? (context.Request.Query["ticket"] is [{ Length: > 0 and <= 128 } given] ? given : null);
        var request = ticket is null ? null : await storage.FindByKeyAsync<ConnectRequest>("ticket", Identifier.Hash(ticket), cancellationToken);
        if (request is not { Stage: ConnectStage.Created }
            || await cache.FindAsync<Connection>(request.ConnectionId, cancellationToken) is not { } connection)
        {
            await Expired().WriteAsync(context);
            return;
        }

        // Somebody else's link, opened by a user who is signed in here: not theirs to complete (T-CF-02).
        var signedIn = await sessions.FindAsync(context);
        if (signedIn is not null && signedIn.User.UserId != request.UserId)
        {
            await Page.Error(403, "This link is for another user", "You are signed in as someone else. To connect an account, sign out of the application, sign in to it again, and start anew there.").WriteAsync(context);
            return;
        }

        if (signedIn is null && confirmed is null)
        {
            await page.ShowAsync(context, request, connection, ticket!);
            return;
        }

        if (confirmed is not null && context.Request.Query["action"] != "continue")
        {
            await callback.EndAsync(context, request, connection, "access_denied", "The user did not want to connect an account.");
            return;
        }

        if (!await departure.SendToProviderAsync(context, request with { SessionId = signedIn?.Session.Id }, connection))
        {
            await Expired().WriteAsync(context);
        }
    }

    /// <summary>The browser is back from the provider.</summary>
    /// <returns>False when it was not for this that it went there: the state names no request that is under way in this browser.</returns>
    public async Task<bool> CallbackAsync(HttpContext context, RequestParameters answer)
    {
        if (answer["state"] is not { Length: <= 128 } state)
        {
            return false;
        }

        var cookie = UpstreamCookie.Of("connect", new Secret(state));
        var request = await storage.FindByKeyAsync<ConnectRequest>("provider-state", Identifier.Hash(state), context.RequestAborted);
        if (request is not { Stage: ConnectStage.Started } || !cookie.IsIn(context, request.BrowserHash))
        {
            return false;
        }

        // The path names the connection that the provider was told: another one means a mix-up (RFC 9700 §4.4).
        var connection = await cache.FindAsync<Connection>(request.ConnectionId, context.RequestAborted);
        if (connection is null || !string.Equals(connection.Name, context.Request.RouteValues["connection"] as string, StringComparison.Ordinal))
        {
            return false;
        }

        cookie.Remove(context);
        await callback.HandleAsync(context, request, connection, answer);
        return true;
    }

    private static Page Expired() =>
        Page.Error(400, "This link has expired or was used already", "Go back to the application and connect the account again. Cookies must be allowed.");
}
