using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>The ends that sign-in through a provider has at the pages: what the sign-in page offers, and where it goes on afterwards.</summary>
internal sealed class SignInPages(IStorage storage, AuthorizeRequests requests, PageStates states, AttemptLimiter limiter)
{
    private const int MostChoices = 50;

    /// <summary>The request behind the sign-in page; null when it is not this browser's, or too old.</summary>
    public PageState? Opened(HttpContext context) => states.Open(context, LoginEndpoint.PageName, context.Request.Query["state"].ToString());

    /// <summary>The authorization request goes on, and knows that somebody has signed in for it.</summary>
    public void Resume(HttpContext context, SignInArrival arrival)
    {
        var (request, connection, _, _) = arrival;
        limiter.Forgive(SignInDeparture.LimitOf(context));
        var linked = request.LinkTo is null ? null : connection.Name;
        var state = states.Seal(context, LoginEndpoint.PageName, request.Query, request.Since, linked: linked);
        OAuthResponse.NoStore(context);
        context.Response.Redirect(Urls.WithQuery("/authorize/resume", [new("state", state)]));
    }

    /// <summary>See <see cref="SignInChoices"/>. Third-party applications name the connection themselves.</summary>
    public async ValueTask<IReadOnlyList<SignInChoice>> ChoicesAsync(string authorizeQuery, CancellationToken cancellationToken)
    {
        if (await requests.ReadAsync(authorizeQuery, cancellationToken) is not { Client: { IsFirstParty: true } client, Upstream.Connection: null })
        {
            return [];
        }

        var all = await storage.ListAllAsync<Connection>(index: null, cancellationToken);
        return
        [
            .. all
                .Where(connection => connection.ShowAsButton && SignInDeparture.MaySignIn(connection, client.ClientId))
                .OrderBy(connection => connection.Label, StringComparer.OrdinalIgnoreCase)
                .Take(MostChoices)
                .Select(connection => new SignInChoice(connection.Name, connection.Label)),
        ];
    }
}
