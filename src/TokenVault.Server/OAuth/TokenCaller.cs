using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth;

/// <summary>Who calls the token endpoint, whether they may use the grant, and which keys they hold.</summary>
internal sealed class TokenCaller(ClientAuthenticator authenticator, RefreshTokens refreshTokens, DpopProofs proofs)
{
    public async ValueTask<Outcome<TokenRequest>> ReadAsync(HttpContext context, RequestParameters parameters, string grantType)
    {
        // Before the client: what only demands a nonce must not use up the client's assertion (RFC 9449 §8).
        var (proof, refused) = proofs.Check(context, accessToken: null);
        if (refused is not null)
        {
            return refused;
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

        // After the client: strangers write nothing.
        if (proof is not null && !await proofs.SpendAsync(proof))
        {
            return OAuthError.InvalidDpopProof("it was used before");
        }

        return new TokenRequest(parameters, client, RequestOrigin.Of(context), new Confirmation
        {
            KeyThumbprint = proof?.KeyThumbprint,
            CertificateThumbprint = CertificateThumbprint.Of(context.Connection.ClientCertificate),
        });
    }

    /// <summary>See <see cref="ClientAuthenticator.Served"/>.</summary>
    public void Served(HttpContext context, Client client) => authenticator.Served(context, client);

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
