using TokenVault.Server.Http;
using TokenVault.Server.OAuth.Linking;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth;

/// <summary>
/// The authorization endpoint (RFC 6749 §3.1): valid request → signed in → scopes → consent → code. Nothing is stored before
/// the user has signed in; until then the request travels, sealed, through the pages.
/// </summary>
internal sealed class AuthorizeEndpoint(
    AuthorizeRequests requests, SignInStep signIn, ConsentEndpoint consent, AuthorizationGranter granter, LinkScopes links)
{
    /// <summary>The request travels through the pages in addresses, sealed and so longer by half: it has to leave them room.</summary>
    public const int LongestRequest = 4096;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/authorize", context => HandleAsync(context, context.Request.QueryString.Value ?? "", resumed: null));
        routes.MapPost("/authorize", PostAsync);
    }

    /// <summary>OpenID Connect Core §3.1.2.1 allows the request as a form.</summary>
    private async Task PostAsync(HttpContext context)
    {
        var body = await RequestParameters.ReadBodyAsync(context.Request);
        if (body.Failed(out var error))
        {
            await Refused(error).WriteAsync(context);
            return;
        }

        await HandleAsync(context, Urls.WithQuery("", body.Value.All), resumed: null);
    }

    /// <param name="resumed">What the last page on the way knows; null for a request that has just come.</param>
    public async Task HandleAsync(HttpContext context, string query, PageState? resumed)
    {
        // 1 who asks, and where may the answer go? Until both are known, errors are shown here and sent nowhere (RFC 6749 §4.1.2.1).
        if (query.Length > LongestRequest)
        {
            await Refused(OAuthError.InvalidRequest($"The request must not be longer than {LongestRequest} characters.")).WriteAsync(context);
            return;
        }

        var arrived = await requests.ArriveAsync(query, context.RequestAborted);
        if (arrived.Failed(out var unread))
        {
            await Refused(unread).WriteAsync(context);
            return;
        }

        var parameters = arrived.Value.Parameters;
        if (await requests.ClientAsync(parameters, context.RequestAborted) is not { } client)
        {
            await Refused(OAuthError.InvalidRequest("Unknown client.")).WriteAsync(context);
            return;
        }

        var response = requests.ResponseTo(parameters, client);
        if (response.Failed(out var nowhere))
        {
            await Refused(nowhere).WriteAsync(context);
            return;
        }

        var parsed = AuthorizeRequest.Parse(parameters, client, response.Value);
        var error = parsed.Failed(out var refusal) ? refusal
            : client.RequirePushedAuthorizationRequests && !arrived.Value.Pushed && resumed is null ? NotPushed()
            : await GoOnAsync(context, parsed.Value, arrived.Value.Query, resumed);
        if (error is not null)
        {
            await response.Value.ErrorAsync(context, error);
        }
    }

    /// <returns>An error to take to the client, or null when the answer is already written.</returns>
    private async Task<OAuthError?> GoOnAsync(HttpContext context, AuthorizeRequest request, string query, PageState? resumed)
    {
        // 2 signed in, as the user whom the client expects, and recently enough?
        var (signedIn, notNow) = await signIn.PassAsync(context, request, query, resumed);
        if (signedIn is null)
        {
            return notNow;
        }

        // 3 which scopes?
        var scopes = await granter.ScopesAsync(request, context.RequestAborted);
        if (scopes.Failed(out var refused))
        {
            return refused;
        }

        // 4 consent?
        if (await consent.IsNeededAsync(request, signedIn.User, scopes.Value, resumed, context.RequestAborted))
        {
            if (request.Prompt.Contains("none"))
            {
                return new OAuthError(400, "consent_required", "Consent required");
            }

            var page = await consent.ShowAsync(context, request, signedIn.User, scopes.Value, new PageOrigin(query, resumed?.At, resumed?.Linked));
            await page.WriteAsync(context);
            return null;
        }

        // 5 an identity to give up?
        if (await links.UnlinkAsync(context, request, signedIn) is { } stays)
        {
            return stays;
        }

        // 6 the code.
        if (await granter.IssueCodeAsync(request, signedIn, scopes.Value) is not { } code)
        {
            return new OAuthError(400, "login_required", "The user has signed out.");
        }

        await request.Response.WriteAsync(context, KeyValuePair.Create("code", code.Reveal()));
        return null;
    }

    /// <summary>RFC 9126 §5.</summary>
    private static OAuthError NotPushed() => OAuthError.InvalidRequest("The client must push its authorization requests to /oauth/par.");

    private static Page Refused(OAuthError error) => Page.Error(error.Status, "The application's request cannot be served", error.Description);
}
