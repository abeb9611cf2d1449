using TokenVault.Server.Accounts;
using TokenVault.Server.Connections;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>
/// Where browsers come back from providers, whatever they went there for: the state says whether it was to connect an account or to sign
/// in. Each connection has a path of its own (T-CF-06).
/// </summary>
internal sealed class SignInEndpoint(
    IStorage storage, ConnectBrowserLeg connecting, AuthorizeRequests requests, SignInDeparture departure, SignInReturn returning, SignInPages pages)
{
    private static readonly TimeSpan RedeemTime = TimeSpan.FromMinutes(2);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/login/callback/{connection}", CallbackAsync);
        routes.MapGet(LoginEndpoint.ConnectionPath, ChosenAsync);
    }

    /// <summary>A link of the sign-in page.</summary>
    private async Task ChosenAsync(HttpContext context)
    {
        var opened = pages.Opened(context);
        if (opened is null || await requests.ReadAsync(opened.Query, context.RequestAborted) is not { } request)
        {
            await Expired().WriteAsync(context);
            return;
        }

        var name = context.Request.Query["connection"].ToString();
        var connection = await departure.FindAsync(name, request.Client, context.RequestAborted);
        var error = connection is null
            ? OAuthError.InvalidRequest("The connection is not enabled for sign-in.")
            : await departure.SendAsync(context, request, connection, new SignInOrigin(opened.Query, opened.At));
        if (error is not null)
        {
            await request.Response.ErrorAsync(context, error);
        }
    }

    private async Task CallbackAsync(HttpContext context)
    {
        var answer = RequestParameters.FromQuery(context.Request.QueryString.Value ?? "");
        if (answer.Failed(out _))
        {
            await Expired().WriteAsync(context);
            return;
        }

        if (await ArrivalAsync(context, answer.Value) is { } arrival)
        {
            await GoOnAsync(context, arrival);
            return;
        }

        if (!await connecting.CallbackAsync(context, answer.Value))
        {
            await Expired().WriteAsync(context);
        }
    }

    /// <summary>Of a browser that went from here to this connection's provider to sign in; each comes back once.</summary>
    private async Task<SignInArrival?> ArrivalAsync(HttpContext context, RequestParameters answer)
    {
        if (answer["state"] is not { Length: <= 128 } text)
        {
            return null;
        }

        var state = new Secret(text);
        var cookie = UpstreamCookie.Of("signin", state);
        var request = await storage.FindAsync<SignInRequest>(Identifier.Hash(text), context.RequestAborted);
        if (request is not { Answered: false } || !cookie.IsIn(context, request.BrowserHash))
        {
            return null;
        }

        // The path names the connection that the provider was told: another one means a mix-up (RFC 9700 §4.4).
        var connection = await storage.FindAsync<Connection>(request.ConnectionId, context.RequestAborted);
        if (connection is null || !string.Equals(connection.Name, context.Request.RouteValues["connection"] as string, StringComparison.Ordinal))
        {
            return null;
        }

        // The state is used up before anything is sent: a second callback finds nothing.
        var answered = request with { Answered = true, Deadline = request.Deadline + RedeemTime };
        var used = request.Stays(connection) ? new Batch().Replace(answered) : new Batch().Delete(request);
        if (!(await storage.CommitAsync(used)).Committed)
        {
            return null;
        }

        cookie.Remove(context);
        return new SignInArrival(answered with { Version = request.Version + 1 }, connection, answer, state);
    }

    private async Task GoOnAsync(HttpContext context, SignInArrival arrival)
    {
        if (await requests.ReadAsync(arrival.Request.Query, context.RequestAborted) is not { } request)
        {
            await Page.Error(400, "The application has changed", "Go back to the application and sign in again.").WriteAsync(context);
            return;
        }

        if (await returning.ReceiveAsync(context, request, arrival) is { } error)
        {
            await request.Response.ErrorAsync(context, error);
            return;
        }

        pages.Resume(context, arrival);
    }

    private static Page Expired() =>
        Page.Error(400, "This link has expired or was used already", "Go back to the application and try again. Cookies must be allowed.");
}
