using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>
/// Cross-origin access for single-page applications: the endpoints that their SDK calls from the browser, for origins that a
/// client has registered. Never with cookies, so that no page can act as the user who is signed in here.
/// </summary>
internal sealed class BrowserOrigins(IStorage storage)
{
    private static readonly PathString[] Paths = ["/oauth/token", "/oauth/revoke", "/userinfo", "/mfa", "/me"];

    public Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        var origin = context.Request.Headers.Origin.ToString();
        return origin.Length is 0 or > 512 || !Array.Exists(Paths, path => context.Request.Path.StartsWithSegments(path))
            ? next(context)
            : HandleAsync(context, origin, next);
    }

    private async Task HandleAsync(HttpContext context, string origin, RequestDelegate next)
    {
        context.Response.Headers.Vary = "Origin";
        var allowed = await IsRegisteredAsync(origin, context.RequestAborted);
        if (allowed)
        {
            context.Response.Headers.AccessControlAllowOrigin = origin;
            context.Response.Headers.AccessControlExposeHeaders =
                "dpop-nonce, location, retry-after, www-authenticate, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset";
        }

        if (!HttpMethods.IsOptions(context.Request.Method))
        {
            await next(context);
            return;
        }

        if (allowed)
        {
            context.Response.Headers.AccessControlAllowMethods = "GET, POST, DELETE";
            context.Response.Headers.AccessControlAllowHeaders = "auth0-client, authorization, content-type, dpop";
            context.Response.Headers.AccessControlMaxAge = "600";
        }

        context.Response.StatusCode = 204;
    }

    private async ValueTask<bool> IsRegisteredAsync(string origin, CancellationToken cancellationToken)
    {
        var query = new ListQuery(Client.Kind) { Index = EntityKey.Index("origin", origin), Take = 1 };
        return (await storage.ListAsync(query, cancellationToken)).Count > 0;
    }
}
