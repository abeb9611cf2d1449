using TokenVault.Server.Connections;
using TokenVault.Server.OAuth.Linking;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>
/// The step of an authorization request that makes sure of the user: signed in, as whom the client expects, through the connection that
/// it names, recently enough, and with a second factor where one is demanded; and with the identity linked that it asks for.
/// </summary>
internal sealed class SignInStep(
    SessionCookie sessions, LoginEndpoint login, SignInDeparture departure, LinkScopes links, AuthorizationGranter granter, MultiFactorStep multiFactor)
{
    /// <returns>The user; or an error to take to the client; or neither, when the browser has been sent on its way.</returns>
    public async Task<(SignedIn? SignedIn, OAuthError? Error)> PassAsync(
        HttpContext context, AuthorizeRequest request, string query, PageState? resumed)
    {
        var (connection, refused) = await CheckAsync(request, context.RequestAborted);
        if (refused is not null)
        {
            return (null, refused);
        }

        var hint = granter.ReadHint(request);
        var signedIn = await sessions.FindAsync(context);
        var another = signedIn is not null && hint is not null && hint.Subject != signedIn.User.UserId;
        if (signedIn is null || another || NeedsSignIn(request, connection, signedIn.Session, resumed))
        {
            // Who has signed in for this very request is who they are: asking again would go round in circles.
            if (request.Prompt.Contains("none") || (another && HasSignedInFor(resumed, signedIn!.Session)))
            {
                return (null, new OAuthError(400, "login_required", "Login required"));
            }

            return (null, await SendAsync(context, request, connection, new SignInOrigin(query, resumed?.At)));
        }

        var (passed, notPassed) = await multiFactor.PassAsync(context, request, query, resumed, signedIn);
        if (!passed)
        {
            return (null, notPassed);
        }

        return LinkScopes.IsNeeded(request, resumed)
            ? (null, await links.BeginAsync(context, request, new PageOrigin(query, resumed?.At), signedIn.User))
            : (signedIn, null);
    }

    /// <summary>What can be said of the request before anybody has signed in for it: the connection that it names, or what is wrong.</summary>
    public async ValueTask<(Connection? Connection, OAuthError? Refused)> CheckAsync(AuthorizeRequest request, CancellationToken cancellationToken)
    {
        var (connection, refused) = await ConnectionAsync(request, cancellationToken);
        if ((refused ?? LinkScopes.Refusal(request)) is { } error)
        {
            return (null, error);
        }

        return request.IdTokenHint is not null && granter.ReadHint(request) is null
            ? (null, OAuthError.InvalidRequest("The id_token_hint is not an ID token of this server for this client."))
            : (connection, null);
    }

    private async Task<OAuthError?> SendAsync(HttpContext context, AuthorizeRequest request, Connection? connection, SignInOrigin origin)
    {
        if (connection is not null)
        {
            return await departure.SendAsync(context, request, connection, origin);
        }

        context.Response.Redirect(login.UrlFor(context, origin.Query));
        return null;
    }

    private async ValueTask<(Connection? Connection, OAuthError? Refused)> ConnectionAsync(AuthorizeRequest request, CancellationToken cancellationToken)
    {
        if (request.Upstream.Connection is null or Wire.DatabaseConnection)
        {
            return (null, null);
        }

        var connection = await departure.FindAsync(request.Upstream.Connection, request.Client, cancellationToken);
        return (connection, connection is null ? OAuthError.InvalidRequest("The connection is not enabled for sign-in.") : null);
    }

    private bool NeedsSignIn(AuthorizeRequest request, Connection? connection, Session session, PageState? resumed)
    {
        // Who signed in for this very request has done what prompt, max_age and the connection ask.
        if (HasSignedInFor(resumed, session))
        {
            return false;
        }

        var elsewhere = request.Upstream.Connection is { } wanted && wanted != (session.Connection ?? Wire.DatabaseConnection);

        // Silent renewal repeats the parameters of the sign-in, and is not meant to ask the provider for more.
        var further = connection is not null && !request.Prompt.Contains("none") && (request.Upstream.Scopes.Count > 0 || request.Prompt.Contains("consent"));
        var forced = request.Prompt.Contains("login") || request.Prompt.Contains("select_account");
        return elsewhere || further || forced || (request.MaxAge is { } maxAge && session.AuthenticatedAt + maxAge < granter.Now);
    }

    private static bool HasSignedInFor(PageState? resumed, Session session) => resumed is not null && session.AuthenticatedAt >= resumed.At;
}
