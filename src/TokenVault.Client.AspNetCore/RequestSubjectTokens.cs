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

        return context.Request.Headers.Authorization is [{ } header] ? FromHeader(header, context.Request) : null;
    }

    private static SubjectToken? FromHeader(string header, HttpRequest request)
    {
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) && header["Bearer ".Length..].Trim() is { Length: > 0 } bearer)
        {
            return SubjectToken.AccessToken(bearer);
        }

        return header.StartsWith("DPoP ", StringComparison.OrdinalIgnoreCase) && header["DPoP ".Length..].Trim() is { Length: > 0 } bound
            ? SubjectToken.AccessToken(bound, request.Headers["DPoP"] is [{ } proof] ? proof : null)
            : null;
    }
}
