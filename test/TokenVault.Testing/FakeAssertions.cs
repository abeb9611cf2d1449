using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace TokenVault.Testing;

/// <summary>
/// The fake provider's client authentication by <c>private_key_jwt</c>: it knows the client's public keys, judges what it is shown as
/// RFC 7523 §3 says and strictly, and lets no secret in beside it.
/// </summary>
internal sealed class FakeAssertions(string clientId, string secret, Func<string> issuer, TimeProvider time)
{
    private const string Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <summary>Every assertion shown, with what was wrong with it; null for one that was accepted.</summary>
    public ConcurrentQueue<(string Assertion, string? Problem)> Shown { get; } = [];

    /// <summary>The client's keys, as their owner registered them.</summary>
    public IReadOnlyList<JsonNode> Keys { get; set; } = [];

    /// <summary>Lets the request of a client that proved itself go on as if it had shown the secret; any other goes on as nobody's.</summary>
    public async Task JudgeAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var fields = form.ToDictionary(StringComparer.Ordinal);
        var assertion = form["client_assertion"].ToString();
        var problem = Problem(form, assertion, context.Request.Headers.Authorization);
        Shown.Enqueue((assertion, problem));
        fields["client_secret"] = problem is null ? secret : "";
        context.Request.Form = new FormCollection(fields);
    }

    private string? Problem(IFormCollection form, string assertion, StringValues authorization)
    {
        if (form.ContainsKey("client_secret") || authorization.Count > 0)
        {
            return "a second method";
        }

        if (form["client_assertion_type"] != Type || assertion.Split('.') is not [var head, var body, var signature])
        {
            return "no assertion";
        }

        var (header, claims) = (Json(head), Json(body));
        if (Keys.SingleOrDefault(key => (string?)key["kid"] == (string?)header["kid"]) is not { } jwk || (string?)jwk["alg"] != (string?)header["alg"])
        {
            return "an unknown key";
        }

        if (!Verifies(jwk, Encoding.ASCII.GetBytes($"{head}.{body}"), Base64Url.DecodeFromChars(signature)))
        {
            return "another signature";
        }

        // One text, not a list: a list is how an assertion comes to be good at two servers.
        if (claims["aud"] is not JsonValue audience || !audience.TryGetValue<string>(out var named) || named != issuer())
        {
            return "another audience";
        }

        var now = time.GetUtcNow().ToUnixTimeSeconds();
        if ((string?)claims["iss"] != clientId || (string?)claims["sub"] != clientId || (long)claims["exp"]! - now is < 1 or > 120 || (long)claims["iat"]! > now)
        {
            return "another client or time";
        }

        lock (_used)
        {
            return _used.Add((string)claims["jti"]!) ? null : "used already";
        }
    }

    private static bool Verifies(JsonNode jwk, byte[] data, byte[] signature)
    {
        byte[] Part(string name) => Base64Url.DecodeFromChars((string)jwk[name]!);
        var alg = (string)jwk["alg"]!;
        var hash = new HashAlgorithmName("SHA" + alg[2..]);
        if (alg.StartsWith("ES", StringComparison.Ordinal))
        {
            var curve = alg == "ES256" ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384;
            using var ec = ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = Part("x"), Y = Part("y") } });
            return ec.VerifyData(data, signature, hash);
        }

        using var rsa = RSA.Create(new RSAParameters { Modulus = Part("n"), Exponent = Part("e") });
        return rsa.VerifyData(data, signature, hash, alg.StartsWith("PS", StringComparison.Ordinal) ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
    }

    private static JsonNode Json(string part) => JsonNode.Parse(Base64Url.DecodeFromChars(part))!;
}
