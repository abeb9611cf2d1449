using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Server.OAuth.SignIn;

/// <summary>
/// The step of an authorization request that makes sure of a second factor, where the policy or the request demands one. It is asked for
/// once a session: whoever has to sign in anew begins another one.
/// </summary>
internal sealed class MultiFactorStep(MultiFactorPolicy policy, KnownBrowsers browsers, FactorVisits visits)
{
    /// <returns>False when the browser has been sent on its way, or there is an error to take to the client.</returns>
    public async ValueTask<(bool Passed, OAuthError? Error)> PassAsync(
        HttpContext context, AuthorizeRequest request, string query, PageState? resumed, SignedIn signedIn)
    {
        if (AuthenticationMethod.IsMultiFactor(signedIn.Session.Methods) || !await IsDemandedAsync(context, request, signedIn.User))
        {
            return (true, null);
        }

        if (request.Prompt.Contains("none"))
        {
            return (false, new OAuthError(400, "mfa_required", "Multifactor authentication required"));
        }

        context.Response.Redirect(visits.UrlFor(context, query, resumed, signedIn.User.UserId));
        return (false, null);
    }

    private async ValueTask<bool> IsDemandedAsync(HttpContext context, AuthorizeRequest request, User user) =>
        request.AsksForMultiFactor || await policy.CurrentAsync(context.RequestAborted) switch
        {
            MultiFactorPolicy.Always => true,
            MultiFactorPolicy.Adaptive => !await browsers.KnowsAsync(context, user.UserId),
            _ => false,
        };
}
