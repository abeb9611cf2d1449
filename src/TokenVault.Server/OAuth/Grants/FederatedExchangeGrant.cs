using TokenVault.Server.Exchange;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>Auth0 Token Vault's grant: the door to <see cref="FederatedConnectionExchange"/>.</summary>
internal sealed class FederatedExchangeGrant(FederatedConnectionExchange exchange) : IGrant
{
    public string Type => Wire.FederatedExchange;

    public ValueTask<Outcome<TokenResponse>> RedeemAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        var wanted = ExchangeRequest.Parse(request.Parameters, request.Proven);
        return wanted.Failed(out var error)
            ? new ValueTask<Outcome<TokenResponse>>(error)
            : exchange.ExchangeAsync(wanted.Value, request.Client, request.Origin, cancellationToken);
    }
}
