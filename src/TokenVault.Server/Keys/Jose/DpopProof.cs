using System.Text.Json;

namespace TokenVault.Server.Keys.Jose;

/// <summary>
/// A DPoP proof (RFC 9449 §4.2) whose form, type, algorithm, key and signature were verified. Only <see cref="Verify"/> makes one (T-ST-01).
/// Whether it fits the request at hand is for the caller to say.
/// </summary>
internal sealed class DpopProof
{
    private const int LongestJti = 256;

    private DpopProof(string thumbprint, string jwtId, string method, string uri)
    {
        KeyThumbprint = thumbprint;
        JwtId = jwtId;
        Method = method;
        Uri = uri;
    }

    /// <summary>What <c>dpop_signing_alg_values_supported</c> says.</summary>
    public static IReadOnlyList<string> Algorithms { get; } = ["ES256", "ES384", "PS256", "RS256"];

    /// <summary>RFC 7638: the <c>jkt</c> that a token is bound to.</summary>
    public string KeyThumbprint { get; }

    public string JwtId { get; }

    public string Method { get; }

    /// <summary>As it stands in the proof.</summary>
    public string Uri { get; }

    public DateTimeOffset IssuedAt { get; private init; }

    public DateTimeOffset? NotBefore { get; private init; }

    public DateTimeOffset? ExpiresAt { get; private init; }

    /// <summary>The <c>ath</c>.</summary>
    public string? AccessTokenHash { get; private init; }

    public string? Nonce { get; private init; }

    /// <param name="problem">Why not; free of what the proof says.</param>
    public static DpopProof? Verify(string proof, out string problem)
    {
        var keyProblem = "";
        VerificationKey? key = null;
        var jws = VerifiedJws.VerifyByItsKey(proof, header => key = KeyOf(header, out keyProblem), out problem);
        if (jws is null)
        {
            problem = keyProblem.Length > 0 ? keyProblem : problem;
            return null;
        }

        if (!StrictJson.TryParseObject(jws.Payload, out var claims))
        {
            problem = "the payload is not a strict JSON object";
            return null;
        }

        return Read(claims.Value, key!.Thumbprint(), out problem);
    }

    /// <summary>The type is looked at before the key is: a JWT for anything else is none of ours (RFC 8725 §3.11).</summary>
    private static VerificationKey? KeyOf(JwsHeader header, out string problem)
    {
        if (header.PlainType() != "dpop+jwt")
        {
            problem = "the typ is not dpop+jwt";
            return null;
        }

        if (!Algorithms.Contains(header.Algorithm, StringComparer.Ordinal))
        {
            problem = "the alg is not one that is accepted";
            return null;
        }

        return VerificationKey.FromJwk(header.Key!.Value, header.Algorithm, out problem);
    }

    private static DpopProof? Read(JsonElement claims, string thumbprint, out string problem)
    {
        var bad = "";
        var jti = JwtClaims.Text(claims, "jti", ref bad);
        var method = JwtClaims.Text(claims, "htm", ref bad);
        var uri = JwtClaims.Text(claims, "htu", ref bad);
        var issuedAt = JwtClaims.Date(claims, "iat", ref bad);
        var (notBefore, expiresAt) = (JwtClaims.Date(claims, "nbf", ref bad), JwtClaims.Date(claims, "exp", ref bad));
        var (hash, nonce) = (JwtClaims.Text(claims, "ath", ref bad), JwtClaims.Text(claims, "nonce", ref bad));
        if (bad.Length > 0)
        {
            problem = $"the claim '{bad}' is not of its type";
            return null;
        }

        if (jti is not { Length: > 0 and <= LongestJti } || method is null || uri is null || issuedAt is null)
        {
            problem = "jti, htm, htu or iat is missing, or jti is too long";
            return null;
        }

        problem = "";
        return new DpopProof(thumbprint, jti, method, uri)
        {
            IssuedAt = issuedAt.Value,
            NotBefore = notBefore,
            ExpiresAt = expiresAt,
            AccessTokenHash = hash,
            Nonce = nonce,
        };
    }
}
