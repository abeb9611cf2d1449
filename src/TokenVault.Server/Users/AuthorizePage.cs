using TokenVault.Server.Http;

namespace TokenVault.Server.Users;

/// <summary>What the pages before an authorization have in common: where their forms may lead, and how the request goes on after them.</summary>
internal static class AuthorizePage
{
    /// <summary>The last redirect after a form goes to the application, and the page's policy has to allow that.</summary>
    public static string? Target(string authorizeQuery) =>
        Parameter(authorizeQuery, "redirect_uri") is { } uri ? Urls.PolicySource(uri) : null;

    public static string ResumeUrl(string state) => Urls.WithQuery("/authorize/resume", [new("state", state)]);

    /// <param name="title">To be read for a moment where the way leads through a provider.</param>
    public static Task GoOnAsync(HttpContext context, string authorizeQuery, string state, string title)
    {
        // After this page, an identity is to be proved at a provider.
        if (Parameter(authorizeQuery, "requested_connection") is not null)
        {
            return Page.GoOn(title, ResumeUrl(state)).WriteAsync(context);
        }

        context.Response.Redirect(ResumeUrl(state));
        return Task.CompletedTask;
    }

    public static Page Expired() =>
        Page.Error(400, "This page has expired", "Go back to the application and sign in again. Cookies must be allowed.");

    private static string? Parameter(string authorizeQuery, string name)
    {
        var parameters = RequestParameters.FromQuery(authorizeQuery);
        return parameters.Failed(out _) ? null : parameters.Value[name];
    }
}
