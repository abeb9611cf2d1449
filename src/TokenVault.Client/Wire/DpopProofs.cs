using System.Collections.Concurrent;

namespace TokenVault.Client.Wire;

/// <summary>Proofs that the client has its key (RFC 9449), with the nonce that each server gave last.</summary>
internal sealed class DpopProofs(SigningKey? key, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, string> _nonces = new(StringComparer.Ordinal);

    public bool Enabled => key is not null;

    public void Attach(HttpRequestMessage request, string? accessToken = null)
    {
        if (key is null)
        {
            return;
        }

        var uri = request.RequestUri!;
        var proof = Jwt.Sign(key, "dpop+jwt", withPublicKey: true, claims: writer =>
        {
            writer.WriteString("jti", Jwt.Random());
            writer.WriteString("htm", request.Method.Method);
            writer.WriteString("htu", uri.GetLeftPart(UriPartial.Path));
            writer.WriteNumber("iat", time.GetUtcNow().ToUnixTimeSeconds());
            if (accessToken is not null)
            {
                writer.WriteString("ath", Jwt.Hash(accessToken));
            }

            if (_nonces.TryGetValue(Origin(uri), out var nonce))
            {
                writer.WriteString("nonce", nonce);
            }
        });
        request.Headers.Add("DPoP", proof);
    }

    /// <summary>Keeps the answer's nonce.</summary>
    /// <returns>Whether it is a new one, with which the same request is worth sending again.</returns>
    public bool Learn(Uri uri, Answer answer)
    {
        if (key is null || answer.DpopNonce is not { Length: > 0 } nonce)
        {
            return false;
        }

        var origin = Origin(uri);
        var known = _nonces.TryGetValue(origin, out var old) && old == nonce;
        _nonces[origin] = nonce;
        return !known;
    }

    private static string Origin(Uri uri) => uri.GetLeftPart(UriPartial.Authority);
}
