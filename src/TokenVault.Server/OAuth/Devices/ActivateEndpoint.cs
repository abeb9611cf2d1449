using TokenVault.Server.Http;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Devices;

/// <summary>
/// The page on which a user lets a device in (RFC 8628 §3.3): the code, then who they are, with everything that signing in may demand,
/// then what the device asks for. It always asks: the code may be one that somebody else has sent them (§5.4).
/// </summary>
internal sealed class ActivateEndpoint(
    DeviceRequests devices, AuthorizeRequests requests, SignInStep signIn, DeviceApproval approval, PageStates states, AttemptLimiter limiter)
{
    public const string Path = "/activate";

    /// <summary>The pages' names in <see cref="PageStates"/>.</summary>
    private const string EntryPage = "activate";

    private const string ConsentPage = "activate-consent";

    /// <summary>Wrong codes a minute, from one network: of 2^34, for a quarter of an hour (RFC 8628 §5.1).</summary>
    private const int MostGuesses = 10;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, context => AskAsync(context, context.Request.Query["user_code"], problem: null, status: 200));
        routes.MapPost(Path, EnterAsync);
        routes.MapPost(ActivatePages.ConsentPath, AnswerAsync);
    }

    /// <summary>Back from the pages on which the user has shown who they are, or come to them for the first time.</summary>
    public async Task GoOnAsync(HttpContext context, string query, PageState? resumed)
    {
        if (await requests.ReadAsync(query, context.RequestAborted) is not { } request)
        {
            await ActivatePages.Over().WriteAsync(context);
            return;
        }

        var (signedIn, refused) = await signIn.PassAsync(context, request, query, resumed);
        if (refused is not null)
        {
            await request.Response.ErrorAsync(context, refused);
            return;
        }

        if (signedIn is not null)
        {
            await ConsentAsync(context, request, query, signedIn.User);
        }
    }

    private async Task ConsentAsync(HttpContext context, AuthorizeRequest request, string query, User user)
    {
        var (scopes, api, refused) = await approval.ScopesAsync(request, context.RequestAborted);
        if (refused is not null)
        {
            await request.Response.ErrorAsync(context, refused);
            return;
        }

        var state = states.Seal(context, ConsentPage, query, consent: new PageConsent(user.UserId, scopes));
        await ActivatePages.Consent(state, request, user, scopes, api).WriteAsync(context);
    }

    private Task AskAsync(HttpContext context, string? userCode, string? problem, int status)
    {
        var state = states.Seal(context, EntryPage, query: "");
        return ActivatePages.Entry(state, DeviceRequests.Shown(userCode), problem, status).WriteAsync(context);
    }

    private async Task EnterAsync(HttpContext context)
    {
        var form = await FormAsync(context);
        if (states.Open(context, EntryPage, form["state"]) is null)
        {
            await ActivatePages.Over().WriteAsync(context);
            return;
        }

        var key = $"activations {CallerNetwork.Of(context)}";
        if (limiter.Begin(key, MostGuesses) is not null)
        {
            await AskAsync(context, userCode: null, "Too many attempts. Wait a minute, then try again.", 429);
            return;
        }

        if (await devices.FindWaitingAsync(form["user_code"] ?? "", context.RequestAborted) is not { } found)
        {
            await AskAsync(context, userCode: null, "This code is not known, or its time is over. Look at your device for the code.", 400);
            return;
        }

        limiter.Forgive(key);
        await GoOnAsync(context, DeviceRequests.QueryOf(found), resumed: null);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var form = await FormAsync(context);
        var page = states.Open(context, ConsentPage, form["state"]);
        if (page?.Consent is not { } asked)
        {
            await ActivatePages.Over().WriteAsync(context);
            return;
        }

        var allowed = form["action"] == "allow";
        var done = await approval.AnswerAsync(context, page.Query, asked, allowed);
        await (done ? ActivatePages.Done(allowed) : ActivatePages.Over()).WriteAsync(context);
    }

    private static async ValueTask<RequestParameters> FormAsync(HttpContext context)
    {
        var body = await RequestParameters.ReadBodyAsync(context.Request);
        return body.Failed(out _) ? RequestParameters.Empty : body.Value;
    }
}
