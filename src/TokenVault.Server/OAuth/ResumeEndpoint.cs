using TokenVault.Server.Http;
using TokenVault.Server.OAuth.Ciba;
using TokenVault.Server.OAuth.Devices;
using TokenVault.Server.Users;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Server.OAuth;

/// <summary>Where the pages lead to when they are done: the request that they served goes on.</summary>
internal sealed class ResumeEndpoint(PageStates states, AuthorizeEndpoint authorize, ActivateEndpoint activate)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/authorize/resume", ResumeAsync);

    private Task ResumeAsync(HttpContext context)
    {
        var state = context.Request.Query["state"].ToString();
        var page = states.Open(context, LoginEndpoint.PageName, state) ?? states.Open(context, ConsentEndpoint.PageName, state) ?? states.Open(context, FactorVisits.PageName, state);
        if (page is null)
        {
            return Page.Error(400, "This page has expired", "Go back to the application and sign in again.").WriteAsync(context);
        }

        if (ApprovalVisit.TryRead(page.Query, out var approvalId))
        {
            context.Response.Redirect(ApprovalVisit.Path(approvalId));
            return Task.CompletedTask;
        }

        return DeviceRequests.IsDevice(page.Query) ? activate.GoOnAsync(context, page.Query, page) : authorize.HandleAsync(context, page.Query, page);
    }
}
