using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth;

/// <summary>Claims about the user of an access token (OpenID Connect Core §5.3).</summary>
internal sealed class UserinfoEndpoint(AccessTokens accessTokens, IStorage storage)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/userinfo", HandleAsync);
        routes.MapPost("/userinfo", HandleAsync);
    }

    private async Task HandleAsync(HttpContext context)
    {
        var token = await TokenAsync(context);
        if (token is null || accessTokens.Verify(token, accessTokens.UserinfoAudience, out _) is not { UserId: { } userId } verified)
        {
            await RefuseAsync(context);
            return;
        }

        if (!verified.Scopes.Contains(Wire.OpenId) || await storage.FindAsync<User>(userId, context.RequestAborted) is not { Blocked: false } user)
        {
            await RefuseAsync(context);
            return;
        }

        await OAuthResponse.WriteAsync(context, 200, writer => UserClaims.WriteTo(writer, user, verified.Scopes));
    }

    /// <summary>The header, or, as some clients still do (RFC 6750 §2.2, §2.3), a form or query parameter.</summary>
    private static async ValueTask<string?> TokenAsync(HttpContext context)
    {
        if (BearerToken.Of(context.Request) is { } token)
        {
            return token;
        }

        if (HttpMethods.IsGet(context.Request.Method))
        {
            var query = context.Request.Query["access_token"];
            return query.Count == 1 ? query[0] : null;
        }

        var body = await RequestParameters.ReadBodyAsync(context.Request);
        return body.Failed(out _) ? null : body.Value["access_token"];
    }

    private static Task RefuseAsync(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
        return OAuthResponse.WriteErrorAsync(context, new OAuthError(401, "invalid_token", "The access token is missing or not valid."));
    }
}
