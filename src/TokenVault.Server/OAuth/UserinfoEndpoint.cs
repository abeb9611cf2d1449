using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth;

/// <summary>Claims about the user of an access token (OpenID Connect Core §5.3).</summary>
internal sealed class UserinfoEndpoint(AccessTokens accessTokens, PresentedTokens presented, IStorage storage)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/userinfo", HandleAsync);
        routes.MapPost("/userinfo", HandleAsync);
    }

    private async Task HandleAsync(HttpContext context)
    {
        var elsewhere = await ElsewhereAsync(context);
        var (token, error) = await presented.ReadAsync(context, accessTokens.UserinfoAudience, elsewhere);
        if (token is not { UserId: { } userId } verified)
        {
            await RefuseAsync(context, error);
            return;
        }

        if (!verified.Scopes.Contains(Wire.OpenId) || await storage.FindAsync<User>(userId, context.RequestAborted) is not { Blocked: false } user)
        {
            await RefuseAsync(context, error: null);
            return;
        }

        await OAuthResponse.WriteAsync(context, 200, writer => UserClaims.WriteTo(writer, user, verified.Scopes));
    }

    /// <summary>Without the header, as some clients still do (RFC 6750 §2.2, §2.3), a form or query parameter.</summary>
    private static async ValueTask<string?> ElsewhereAsync(HttpContext context)
    {
        if (context.Request.Headers.Authorization.Count > 0)
        {
            return null;
        }

        if (HttpMethods.IsGet(context.Request.Method))
        {
            var query = context.Request.Query["access_token"];
            return query.Count == 1 ? query[0] : null;
        }

        var body = await RequestParameters.ReadBodyAsync(context.Request);
        return body.Failed(out _) ? null : body.Value["access_token"];
    }

    private static Task RefuseAsync(HttpContext context, OAuthError? error)
    {
        if (context.Response.Headers.WWWAuthenticate.Count == 0)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
        }

        return OAuthResponse.WriteErrorAsync(context, error ?? OAuthError.InvalidToken("not for userinfo, or the user is blocked"));
    }
}
