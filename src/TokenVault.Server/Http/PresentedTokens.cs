using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Http;

/// <summary>
/// The access token that a request to one of this server's own APIs bears, with the proof of the keys that it is bound to (RFC 6750 §2.1,
/// RFC 8705 §3, RFC 9449 §7.1). A bound token without its key is refused, as if it were nobody's (T-CA-10).
/// </summary>
internal sealed class PresentedTokens(AccessTokens tokens, DpopProofs proofs)
{
    public const string Bearer = "Bearer";

    /// <param name="elsewhere">A token that stands in another place than the header, where it can be a bearer's only.</param>
    public async ValueTask<PresentedToken> ReadAsync(HttpContext context, string audience, string? elsewhere = null)
    {
        var (scheme, token) = elsewhere is null ? Of(context.Request) : (Bearer, elsewhere);
        if (token is null)
        {
            return PresentedToken.Missing;
        }

        if (tokens.Verify(token, audience, out var problem) is not { } verified)
        {
            return Refuse(context, scheme, OAuthError.InvalidToken(problem));
        }

        var proven = new Confirmation { CertificateThumbprint = CertificateThumbprint.Of(context.Connection.ClientCertificate) };
        if (scheme == DpopProofs.Header)
        {
            var (proof, refused) = await ProofAsync(context, token, verified);
            if (refused is not null)
            {
                return Refuse(context, scheme, refused);
            }

            proven = proven with { KeyThumbprint = proof!.KeyThumbprint };
        }

        return verified.BoundTo.IsMetBy(proven)
            ? new PresentedToken(verified, Error: null)
            : Refuse(context, verified.BoundTo.KeyThumbprint is null ? scheme : DpopProofs.Header, OAuthError.InvalidToken("the token is bound to a key that the request does not prove"));
    }

    private async ValueTask<(DpopProof? Proof, OAuthError? Error)> ProofAsync(HttpContext context, string token, AccessToken verified)
    {
        if (verified.BoundTo.KeyThumbprint is null)
        {
            return (null, OAuthError.InvalidToken("the token is not bound to a DPoP key"));
        }

        var (proof, error) = proofs.Check(context, token);
        if (error is not null || proof is null)
        {
            return (null, error ?? OAuthError.InvalidDpopProof("there is none"));
        }

        if (proof.KeyThumbprint != verified.BoundTo.KeyThumbprint)
        {
            return (null, OAuthError.InvalidToken("the token is bound to another DPoP key"));
        }

        return await proofs.SpendAsync(proof) ? (proof, null) : (null, OAuthError.InvalidDpopProof("it was used before"));
    }

    /// <summary>The challenge of RFC 9449 §7.1, by which clients know that they are to send a nonce; bearers get that of the API.</summary>
    private static PresentedToken Refuse(HttpContext context, string scheme, OAuthError error)
    {
        if (scheme == DpopProofs.Header)
        {
            context.Response.Headers.WWWAuthenticate =
                $"DPoP error=\"{error.Error}\", error_description=\"{error.Description}\", algs=\"{string.Join(' ', DpopProof.Algorithms)}\"";
        }

        return new PresentedToken(Token: null, error with { Status = 401 });
    }

    public static (string Scheme, string? Token) Of(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { } value)
        {
            return (Bearer, null);
        }

        // Schemes are the same in any case (RFC 9110 §11.1).
        return Array.Find([Bearer, DpopProofs.Header], scheme => value.StartsWith(scheme + " ", StringComparison.OrdinalIgnoreCase)) is { } scheme
            ? (scheme, value[(scheme.Length + 1)..].Trim())
            : (Bearer, null);
    }
}

/// <param name="Error">Null with a token, and when there is none.</param>
internal sealed record PresentedToken(AccessToken? Token, OAuthError? Error)
{
    public static PresentedToken Missing { get; } = new(Token: null, Error: null);

    public override string ToString() => Error?.Error ?? Token?.ClientId ?? "none";
}
