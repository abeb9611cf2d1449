using System.Collections.Frozen;
using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.OAuth.Grants;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth;

/// <summary>
/// The token endpoint (RFC 6749 §3.2). It owns the phases that every grant shares, so that no grant can forget one:
/// parse once, authenticate the client, check that it may use the grant, dispatch, write.
/// </summary>
internal sealed class TokenEndpoint(TokenCaller caller, IEnumerable<IGrant> grants)
{
    private readonly FrozenDictionary<string, IGrant> _grants = grants.ToFrozenDictionary(grant => grant.Type, StringComparer.Ordinal);

    private static readonly string[] Parameters =
    [
        "grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "code", "redirect_uri", "code_verifier",
        "refresh_token", "audience", "resource", "scope", "subject_token", "subject_token_type", "requested_token_type", "connection", "login_hint",
        ExchangeRequest.SubjectTokenProof, "actor_token", "actor_token_type", "device_code", "auth_req_id",
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

        if (!_grants.TryGetValue(grantType, out var grant))
        {
            return OAuthError.UnsupportedGrantType(grantType);
        }

        var request = await caller.ReadAsync(context, parameters, grantType);
        if (request.Failed(out var notServed))
        {
            return notServed;
        }

        var outcome = await grant.RedeemAsync(request.Value, context.RequestAborted);
        if (outcome.Error is null or { Error: OAuthError.Pending })
        {
            caller.Served(context, request.Value.Client);
        }

        return outcome;
    }
}
