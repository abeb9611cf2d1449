using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.Linking;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Server.OAuth;

/// <summary>
/// The authorization endpoint (RFC 6749 §3.1): valid request → signed in → scopes and actions → consent → code. Nothing is stored before
/// the user has signed in; until then the request travels, sealed, through the pages.
/// </summary>
internal sealed class AuthorizeEndpoint(
    RecordCache cache, SignInStep signIn, ConsentEndpoint consent, AuthorizationGranter granter, LinkScopes links, PageStates states)
{
    /// <summary>The request travels through the pages in addresses, sealed and so longer by half: it has to leave them room.</summary>
    private const int LongestRequest = 4096;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/authorize", context => HandleAsync(context, context.Request.QueryString.Value ?? "", resumed: null));
        routes.MapPost("/authorize", PostAsync);
        routes.MapGet("/authorize/resume", ResumeAsync);
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

    private Task ResumeAsync(HttpContext context)
    {
        var state = context.Request.Query["state"].ToString();
        var page = states.Open(context, LoginEndpoint.PageName, state) ?? states.Open(context, ConsentEndpoint.PageName, state) ?? states.Open(context, FactorVisits.PageName, state);
        return page is null
            ? Page.Error(400, "This page has expired", "Go back to the application and sign in again.").WriteAsync(context)
            : HandleAsync(context, page.Query, page);
    }

    private async Task HandleAsync(HttpContext context, string query, PageState? resumed)
    {
        // 1 who asks, and where may the answer go? Until both are known, errors are shown here and sent nowhere (RFC 6749 §4.1.2.1).
        if (query.Length > LongestRequest)
        {
            await Refused(OAuthError.InvalidRequest($"The request must not be longer than {LongestRequest} characters.")).WriteAsync(context);
            return;
        }

        var read = RequestParameters.FromQuery(query);
        if (read.Failed(out var malformed))
        {
            await Refused(malformed).WriteAsync(context);
            return;
        }

        var parameters = read.Value;
        if (await ClientAsync(parameters["client_id"], context.RequestAborted) is not { } client)
        {
            await Refused(OAuthError.InvalidRequest("Unknown client.")).WriteAsync(context);
            return;
        }

        if (AuthorizeRequest.RedirectUriOf(parameters, client) is not { } redirectUri)
        {
            await Refused(OAuthError.InvalidRequest("The redirect_uri is not one of the client's callback URLs.")).WriteAsync(context);
            return;
        }

        if (ModeOf(parameters, client, redirectUri) is not { } mode)
        {
            await Refused(OAuthError.InvalidRequest("The response_mode is not supported for this client.")).WriteAsync(context);
            return;
        }

        var parsed = AuthorizeRequest.Parse(parameters, client, redirectUri, mode);
        var error = parsed.Failed(out var refusal) ? refusal : await GoOnAsync(context, parsed.Value, query, resumed);
        if (error is not null)
        {
            await AuthorizeResponse.ErrorAsync(context, mode, redirectUri, parameters["state"], error);
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

        // 3 which scopes, and what do the actions say?
        var decided = await granter.DecideAsync(request, signedIn, RequestOrigin.Of(context), context.RequestAborted);
        if (decided.Failed(out var refused))
        {
            return refused;
        }

        if (decided.Value.RequiresMultiFactor && await signIn.RaiseAsync(context, request, query, resumed, signedIn) is { Passed: false } raise)
        {
            return raise.Error;
        }

        // 4 consent?
        if (await consent.IsNeededAsync(request, signedIn.User, decided.Value.Scopes, resumed, context.RequestAborted))
        {
            if (request.Prompt.Contains("none"))
            {
                return new OAuthError(400, "consent_required", "Consent required");
            }

            var page = await consent.ShowAsync(context, request, signedIn.User, decided.Value.Scopes, new PageOrigin(query, resumed?.At, resumed?.Linked));
            await page.WriteAsync(context);
            return null;
        }

        // 5 an identity to give up?
        if (await links.UnlinkAsync(context, request, signedIn) is { } stays)
        {
            return stays;
        }

        // 6 the code.
        if (await granter.IssueCodeAsync(request, signedIn, decided.Value) is not { } code)
        {
            return new OAuthError(400, "login_required", "The user has signed out.");
        }

        await AuthorizeResponse.WriteAsync(context, request.ResponseMode, request.RedirectUri, request.State, [new("code", code.Reveal())]);
        return null;
    }

    private static ResponseMode? ModeOf(RequestParameters parameters, Client client, string redirectUri)
    {
        var mode = AuthorizeResponse.ModeOf(parameters["response_mode"]);

        // A message goes to a frame's parent: only to an origin that the client registered for it.
        return mode == ResponseMode.WebMessage && !client.WebOrigins.Contains(Urls.Origin(redirectUri), StringComparer.Ordinal) ? null : mode;
    }

    private async ValueTask<Client?> ClientAsync(string? clientId, CancellationToken cancellationToken) =>
        clientId is null ? null : await cache.FindAsync<Client>(clientId, cancellationToken);

    private static Page Refused(OAuthError error) => Page.Error(error.Status, "The application's request cannot be served", error.Description);
}
