using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.Grants;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth;

/// <summary>
/// The token endpoint (RFC 6749 §3.2). It owns the phases that every grant shares, so that no grant can forget one:
/// parse once, authenticate the client, check that it may use the grant, dispatch, write.
/// </summary>
internal sealed class TokenEndpoint(
    TokenCaller caller,
    AuthorizationCodeGrant authorizationCode,
    RefreshTokenGrant refreshToken,
    ClientCredentialsGrant clientCredentials,
    FederatedConnectionExchange exchange)
{
    private static readonly string[] Parameters =
    [
        "grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "code", "redirect_uri", "code_verifier",
        "refresh_token", "audience", "resource", "scope", "subject_token", "subject_token_type", "requested_token_type", "connection", "login_hint",
        ExchangeRequest.SubjectTokenProof,
    ];

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/oauth/token", HandleAsync);

    private async Task HandleAsync(HttpContext context)
    {
        var outcome = await RespondAsync(context);
        if (outcome.Failed(out var error))
        {
            await OAuthResponse.WriteErrorAsync(context, error);
            return;
        }

        await OAuthResponse.WriteAsync(context, 200, outcome.Value.WriteTo);
    }

    private async ValueTask<Outcome<TokenResponse>> RespondAsync(HttpContext context)
    {
        var read = await RequestParameters.ReadBodyAsync(context.Request);
        if (read.Failed(out var malformed))
        {
            return malformed;
        }

        var parameters = read.Value;
        if (parameters.RequireText(Parameters) is { } wrongType)
        {
            return wrongType;
        }

        if (parameters["grant_type"] is not { } grantType)
        {
            return OAuthError.InvalidRequest("grant_type is missing.");
        }

        if (grantType is not (Wire.AuthorizationCode or Wire.RefreshToken or Wire.ClientCredentials or Wire.FederatedExchange))
        {
            return OAuthError.UnsupportedGrantType(grantType);
        }

        var request = await caller.ReadAsync(context, parameters, grantType);
        if (request.Failed(out var notServed))
        {
            return notServed;
        }

        var outcome = await DispatchAsync(grantType, request.Value, context.RequestAborted);
        if (outcome.Error is null)
        {
            caller.Served(context, request.Value.Client);
        }

        return outcome;
    }

    private ValueTask<Outcome<TokenResponse>> DispatchAsync(string grantType, TokenRequest request, CancellationToken cancellationToken) => grantType switch
    {
        Wire.AuthorizationCode => authorizationCode.RedeemAsync(request, cancellationToken),
        Wire.RefreshToken => refreshToken.RedeemAsync(request, cancellationToken),
        Wire.ClientCredentials => clientCredentials.RedeemAsync(request, cancellationToken),
        _ => ExchangeAsync(request, cancellationToken),
    };

    private async ValueTask<Outcome<TokenResponse>> ExchangeAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        var wanted = ExchangeRequest.Parse(request.Parameters, request.Proven);
        return wanted.Failed(out var error) ? error : await exchange.ExchangeAsync(wanted.Value, request.Client, request.Origin, cancellationToken);
    }
}
