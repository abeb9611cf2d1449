using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;

namespace TokenVault.Client.AspNetCore;

/// <summary>The signed-in user of the request, by the token that came with the very authentication that signed them in.</summary>
internal sealed class RequestSubjectTokens(IHttpContextAccessor accessor) : ISubjectTokenSource
{
    public ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult(Of(accessor.HttpContext));

    private static SubjectToken? Of(HttpContext? context)
    {
        if (context?.User.Identity is not { IsAuthenticated: true })
        {
            return null;
        }

        // Not GetTokenAsync, which asks the default scheme: that may have another user.
        var properties = context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult?.Properties;
        if (properties?.GetTokenValue("refresh_token") is { Length: > 0 } refreshToken)
        {
            return SubjectToken.RefreshToken(refreshToken);
        }

        // An API's handlers keep the access token that they have verified (SaveToken).
        return properties?.GetTokenValue("access_token") is { Length: > 0 } accessToken
            ? SubjectToken.AccessToken(accessToken, context.Request.Headers["DPoP"] is [{ Length: > 0 } proof] ? proof : null)
            : null;
    }
}
