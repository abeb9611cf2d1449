using TokenVault.Server.Protocol;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>A way to get tokens (RFC 6749 §1.3). The token endpoint has authenticated the client, and it may use this grant.</summary>
internal interface IGrant
{
    /// <summary>The <c>grant_type</c> on the wire; discovery tells it.</summary>
    string Type { get; }

    ValueTask<Outcome<TokenResponse>> RedeemAsync(TokenRequest request, CancellationToken cancellationToken);
}
