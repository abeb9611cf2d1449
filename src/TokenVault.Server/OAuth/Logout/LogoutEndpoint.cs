using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Logout;

/// <summary>
/// Ends the browser's session: <c>/oidc/logout</c> (OpenID Connect RP-Initiated Logout) and <c>/v2/logout</c>, which SDKs build
/// themselves. The browser goes on only to a URL that the client registered.
/// </summary>
internal sealed class LogoutEndpoint(RecordCache cache, IdTokens idTokens, SignOut signOut)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v2/logout", context => HandleAsync(context, Query(context), "returnTo"));
        routes.MapGet("/oidc/logout", context => HandleAsync(context, Query(context), "post_logout_redirect_uri"));
        routes.MapPost("/oidc/logout", async context =>
            await HandleAsync(context, (await RequestParameters.ReadBodyAsync(context.Request)) is var body && body.Failed(out _) ? null : body.Value, "post_logout_redirect_uri"));
    }

    private static RequestParameters? Query(HttpContext context)
    {
        var query = RequestParameters.FromQuery(context.Request.QueryString.Value ?? "");
        return query.Failed(out _) ? null : query.Value;
    }

    private async Task HandleAsync(HttpContext context, RequestParameters? parameters, string returnParameter)
    {
        if (parameters is null)
        {
            await RefuseAsync(context, client: null, "The request is malformed.");
            return;
        }

        var clientId = parameters["client_id"];
        if (parameters["id_token_hint"] is { } hint)
        {
            if (idTokens.ReadHint(hint, clientId) is not { } read)
            {
                await RefuseAsync(context, clientId, "The id_token_hint is not an ID token of this server for this client.");
                return;
            }

            clientId = read.ClientId;
        }

        var returnTo = parameters[returnParameter];
        if (returnTo is not null && !await MayReturnAsync(returnTo, clientId, context.RequestAborted))
        {
            await RefuseAsync(context, clientId, "The URL to return to is not one of the client's allowed logout URLs.");
            return;
        }

        await signOut.EndAsync(context, clientId);
        if (returnTo is null)
        {
            await new Page("Signed out", Html.Of($"<h1>Signed out</h1><p>You can close this window.</p>")).WriteAsync(context);
            return;
        }

        OAuthResponse.NoStore(context);
        var state = parameters["state"];
        context.Response.Redirect(state is null ? returnTo : Urls.WithQuery(returnTo, [new("state", state)]));
    }

    private async ValueTask<bool> MayReturnAsync(string url, string? clientId, CancellationToken cancellationToken)
    {
        // Without a client, the tenant's own list is what counts.
        var allowed = clientId is null
            ? (await cache.FindAsync<TenantSettings>(TenantSettings.OnlyId, cancellationToken))?.AllowedLogoutUrls
            : (await cache.FindAsync<Client>(clientId, cancellationToken))?.AllowedLogoutUrls;
        return allowed?.Contains(url, StringComparer.Ordinal) is true;
    }

    private async Task RefuseAsync(HttpContext context, string? client, string explanation)
    {
        await signOut.RefusedAsync(context, client, explanation);
        await Page.Error(400, "The application's request cannot be served", explanation).WriteAsync(context);
    }
}
