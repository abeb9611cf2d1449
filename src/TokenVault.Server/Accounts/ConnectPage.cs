using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Accounts;

/// <summary>
/// Asked of a browser that opens a connect link without being signed in here as the user who asked for it: whose account is about to
/// be connected to whom (T-CF-13). A browser with that user's session is not asked, so that applications' redirects go straight through.
/// </summary>
internal sealed class ConnectPage(IStorage storage, RecordCache cache, PageStates states)
{
    private const string PageName = "connect";

    public async Task ShowAsync(HttpContext context, ConnectRequest request, Connection connection, string ticket)
    {
        var state = states.Seal(context, PageName, ticket);
        var user = await storage.FindAsync<User>(request.UserId, context.RequestAborted);
        var client = await cache.FindAsync<Client>(request.ClientId, context.RequestAborted);
        var who = user?.Email ?? user?.Username ?? user?.Name ?? request.UserId;

        // Links, because a browser holds a form's redirects, all the way through the provider, to the page's policy.
        var body = Html.Of($"""
            <h1>Connect your account at {connection.Label}?</h1>
            <p>It will be connected for <strong>{who}</strong>, and {client?.Name ?? request.ClientId} will be able to use it for them.</p>
            {Unproven(user)}{Asked(connection, request.Scopes)}
            <p class="error">You are not signed in here as {who}. If you are somebody else, or another person sent you this link, cancel.</p>
            <ul class="choices"><li><a class="button" href="{Link(state, "continue")}">I am {who}: continue to {connection.Label}</a></li>
            <li><a class="button" href="{Link(state, "cancel")}">Cancel</a></li></ul>
            """);
        await new Page("Connect an account", body).WriteAsync(context);
    }

    /// <summary>A name or an unverified address is what its owner says: the attacker's may be the reader's own (T-CF-13).</summary>
    private static Html Unproven(User? user) => user is null or { Email: not null, EmailVerified: true }
        ? Html.Empty
        : Html.Of($"<p>Nobody has verified that name or address. The user's id is <code>{user.UserId}</code>.</p>");

    /// <summary>In the provider's own words: what they mean, its page will say.</summary>
    private static Html Asked(Connection connection, IReadOnlyList<string> scopes)
    {
        if (scopes.Count == 0)
        {
            return Html.Empty;
        }

        var list = Html.Join(scopes.Select(scope => Html.Of($"<li><code>{scope}</code></li>")));
        return Html.Of($"<p id=\"asked\">{connection.Label} will be asked for:</p><ul aria-labelledby=\"asked\">{list}</ul>");
    }

    /// <summary>The ticket that the page was shown for, in this very browser; null when it was not.</summary>
    public string? Answered(HttpContext context) => states.Open(context, PageName, context.Request.Query["state"].ToString())?.Query;

    private static string Link(string state, string action) =>
        Urls.WithQuery(ConnectBrowserLeg.ConnectPath, [new("state", state), new("action", action)]);
}
