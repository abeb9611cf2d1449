using TokenVault.Server.Clients;
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
    ClientAuthenticator authenticator,
    AuthorizationCodeGrant authorizationCode,
    RefreshTokenGrant refreshToken,
    ClientCredentialsGrant clientCredentials,
    FederatedConnectionExchange exchange,
    RefreshTokens refreshTokens)
{
    private static readonly string[] Parameters =
    [
        "grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "code", "redirect_uri", "code_verifier",
        "refresh_token", "audience", "resource", "scope", "subject_token", "subject_token_type", "requested_token_type", "connection", "login_hint",
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

        var authenticated = await authenticator.AuthenticateAsync(context, parameters, await ImpliedClientAsync(context, parameters));
        if (authenticated.Failed(out var unauthenticated))
        {
            return unauthenticated;
        }

        var client = authenticated.Value;
        if (!client.MayUse(grantType))
        {
            return OAuthError.GrantTypeNotAllowed(grantType);
        }

        var outcome = await DispatchAsync(grantType, parameters, client, RequestOrigin.Of(context), context.RequestAborted);
        if (outcome.Error is null)
        {
            authenticator.Served(context, client);
        }

        return outcome;
    }

    private ValueTask<Outcome<TokenResponse>> DispatchAsync(
        string grantType, RequestParameters parameters, Client client, RequestOrigin origin, CancellationToken cancellationToken) => grantType switch
        {
            Wire.AuthorizationCode => authorizationCode.RedeemAsync(parameters, client, origin, cancellationToken),
            Wire.RefreshToken => refreshToken.RedeemAsync(parameters, client, origin, cancellationToken),
            Wire.ClientCredentials => clientCredentials.RedeemAsync(parameters, client, origin, cancellationToken),
            _ => ExchangeAsync(parameters, client, origin, cancellationToken),
        };

    private async ValueTask<Outcome<TokenResponse>> ExchangeAsync(
        RequestParameters parameters, Client client, RequestOrigin origin, CancellationToken cancellationToken)
    {
        var request = ExchangeRequest.Parse(parameters);
        return request.Failed(out var error) ? error : await exchange.ExchangeAsync(request.Value, client, origin, cancellationToken);
    }

    /// <summary>Some SDKs send the exchange without a client id: then the refresh token names the client, whose secret must still match.</summary>
    private async ValueTask<string?> ImpliedClientAsync(HttpContext context, RequestParameters parameters)
    {
        if (parameters["grant_type"] != Wire.FederatedExchange
            || parameters["client_id"] is not null
            || parameters["subject_token_type"] != Wire.RefreshTokenType
            || parameters["subject_token"] is not { } token)
        {
            return null;
        }

        return (await refreshTokens.FindAsync(token, context.RequestAborted))?.Record.ClientId;
    }
}
