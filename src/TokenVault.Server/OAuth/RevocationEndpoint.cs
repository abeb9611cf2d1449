using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth;

/// <summary>Withdraws a refresh token and all that rotation made of it (RFC 7009). An unknown token is no error.</summary>
internal sealed class RevocationEndpoint(IStorage storage, ClientAuthenticator authenticator, RefreshTokens refreshTokens, AuditLog audit)
{
    private static readonly string[] Parameters = ["client_id", "client_secret", "client_assertion", "client_assertion_type", "token"];

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/oauth/revoke", HandleAsync);

    private async Task HandleAsync(HttpContext context)
    {
        if (await RevokeAsync(context) is { } error)
        {
            await OAuthResponse.WriteErrorAsync(context, error);
            return;
        }

        OAuthResponse.NoStore(context);
        context.Response.StatusCode = 200;
        context.Response.ContentLength = 0;
    }

    private async ValueTask<OAuthError?> RevokeAsync(HttpContext context)
    {
        var read = await RequestParameters.ReadBodyAsync(context.Request);
        if (read.Failed(out var malformed))
        {
            return malformed;
        }

        if (read.Value.RequireText(Parameters) is { } wrongType)
        {
            return wrongType;
        }

        var authenticated = await authenticator.AuthenticateAsync(context, read.Value);
        if (authenticated.Failed(out var unauthenticated))
        {
            return unauthenticated;
        }

        // Revoking what is not there writes nothing, so it costs no public client's callers their turn.
        authenticator.Served(context, authenticated.Value);
        return read.Value["token"] is { } token
            ? await WithdrawAsync(context, token, authenticated.Value)
            : OAuthError.InvalidRequest("token is missing.");
    }

    private async ValueTask<OAuthError?> WithdrawAsync(HttpContext context, string token, Client client)
    {
        // A concurrent rotation moves the version; the next look sees it.
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var presented = await refreshTokens.FindAsync(token, context.RequestAborted);
            if (presented is null || presented.Record.ClientId != client.ClientId)
            {
                return null;
            }

            var revoked = TokenIssuer.Event(AuditType.RevokedRefreshToken, client, RequestOrigin.Of(context)) with
            {
                UserId = presented.Record.UserId,
            };
            var result = await storage.CommitAsync(new Batch().Delete(presented.Record).Append(audit.Row(revoked)));
            if (result.Committed)
            {
                return null;
            }
        }

        return new OAuthError(503, "temporarily_unavailable", "The token is in use. Try again.") { RetryAfter = TimeSpan.FromSeconds(1) };
    }
}
