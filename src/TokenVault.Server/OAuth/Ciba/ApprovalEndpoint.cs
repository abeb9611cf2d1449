using TokenVault.Server.Approvals;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Ciba;

/// <summary>
/// Where users answer: signed in as for an application, with a second factor where one is demanded. Opening a link answers nothing, so that
/// mail scanners may; the answer is a form bound to the browser, the user and the one request (T-UI-03).
/// </summary>
internal sealed class ApprovalEndpoint(
    IStorage storage, SignInStep signIn, AuthorizeRequests requests, PageStates states, ApprovalPages pages, ApprovalDecision decision)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(ApprovalVisit.ListPath, ListAsync);
        routes.MapGet(ApprovalVisit.ListPath + "/{id}", context => ShowAsync(context, context.Request.RouteValues["id"] as string));
        routes.MapPost(ApprovalPages.AnswerPath, AnswerAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        if (await PassAsync(context, ApprovalVisit.Query(id: null)) is not { } signedIn)
        {
            return;
        }

        var pending = await storage.ListAllAsync<Approval>(Approval.PendingOf(signedIn.User.UserId), context.RequestAborted);
        var page = await pages.ListAsync(signedIn.User, pending.Where(decision.IsOpen).OrderBy(approval => approval.Deadline), context.RequestAborted);
        await page.WriteAsync(context);
    }

    private async Task ShowAsync(HttpContext context, string? id)
    {
        if (!ApprovalVisit.IsId(id) || await storage.FindAsync<Approval>(id!, context.RequestAborted) is not { } approval)
        {
            await ApprovalPages.Over().WriteAsync(context);
            return;
        }

        if (await PassAsync(context, ApprovalVisit.Query(id)) is not { } signedIn)
        {
            return;
        }

        if (signedIn.User.UserId != approval.UserId)
        {
            await ApprovalPages.ForSomebodyElse().WriteAsync(context);
            return;
        }

        if (!decision.IsOpen(approval))
        {
            await ApprovalPages.Over().WriteAsync(context);
            return;
        }

        var state = states.Seal(context, ApprovalVisit.PageName, ApprovalVisit.Query(id), consent: new PageConsent(signedIn.User.UserId, approval.Scopes));
        await (await pages.AskAsync(signedIn.User, approval, state, context.RequestAborted)).WriteAsync(context);
    }

    /// <summary>The sign-in of an application whose user this is.</summary>
    /// <returns>Null when the browser has been sent on its way, or shown why not.</returns>
    private async Task<SignedIn?> PassAsync(HttpContext context, string query)
    {
        if (await requests.ReadAsync(query, context.RequestAborted) is not { } request)
        {
            await ApprovalPages.Over().WriteAsync(context);
            return null;
        }

        var (signedIn, error) = await signIn.PassAsync(context, request, query, resumed: null);
        if (error is not null)
        {
            await Page.Error(error.Status, "You cannot be signed in", error.Description).WriteAsync(context);
        }

        return signedIn;
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var body = await RequestParameters.ReadBodyAsync(context.Request);
        var form = body.Failed(out _) ? RequestParameters.Empty : body.Value;
        if (states.Open(context, ApprovalVisit.PageName, form["state"]) is not { Consent: { } shown } state
            || !ApprovalVisit.TryRead(state.Query, out var id)
            || id is null)
        {
            await ApprovalPages.Expired().WriteAsync(context);
            return;
        }

        // Signed in still, and with the second factor that may be demanded since the page was shown.
        if (await PassAsync(context, state.Query) is not { } signedIn)
        {
            return;
        }

        if (signedIn.User.UserId != shown.Subject)
        {
            await ApprovalPages.ForSomebodyElse().WriteAsync(context);
            return;
        }

        var approved = form["action"] == "allow";
        var answered = await storage.FindAsync<Approval>(id, context.RequestAborted) is { } approval
            && approval.UserId == shown.Subject
            && await decision.DecideAsync(id, signedIn, approved, await pages.TraceAsync(context, approval, approved));
        await (answered ? ApprovalPages.Answered(approved) : ApprovalPages.Over()).WriteAsync(context);
    }
}
