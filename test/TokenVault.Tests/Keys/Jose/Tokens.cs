using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Tests.Keys.Jose;

/// <summary>Tokens with any header and payload whatsoever, rightly signed.</summary>
internal static class Tokens
{
    public const string Issuer = "https://localhost:8443/";
    public const string Audience = "https://api.example/";
    public const string Type = "at+jwt";
    public const string Kid = "key-1";

    public const string RsHeader = """{"alg":"RS256","typ":"at+jwt","kid":"key-1"}""";
    public const string EsHeader = """{"alg":"ES256","typ":"at+jwt","kid":"key-1"}""";

    public static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_900_000_000);

    public static readonly RSA Rsa = RSA.Create(2048);
    public static readonly ECDsa Ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public static readonly VerificationKey RsKey = Read(Rsa, "RS256");
    public static readonly VerificationKey EsKey = Read(Ec, "ES256");

    public static readonly JwtExpectations Expected = new() { Issuer = Issuer, Audience = Audience, Types = [Type] };

    /// <summary>Good claims, to which a test may add or set one.</summary>
    public static string Payload(string? member = null) =>
        $$"""{"iss":"{{Issuer}}","aud":"{{Audience}}","sub":"auth0|1","iat":{{Now.ToUnixTimeSeconds()}},"exp":{{Now.ToUnixTimeSeconds() + 300}}{{(member is null ? "" : "," + member)}}}""";

    /// <summary>Claims without the one that the test is about, and with what the test says instead.</summary>
    public static string PayloadWith(string name, string? json)
    {
        var members = JsonElement.Parse(Payload()).EnumerateObject()
            .Where(m => m.Name != name)
            .Select(m => $"\"{m.Name}\":{m.Value.GetRawText()}")
            .Concat(json is null ? [] : [$"\"{name}\":{json}"]);
        return "{" + string.Join(',', members) + "}";
    }

    public static string Rs256(string header, string payload) => Rs256(header, Encoding.UTF8.GetBytes(payload));

    public static string Rs256(string header, byte[] payload)
    {
        var input = $"{Encode(header)}.{Base64Url.EncodeToString(payload)}";
        return $"{input}.{Base64Url.EncodeToString(Rsa.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    public static string Es256(string header, string payload)
    {
        var input = $"{Encode(header)}.{Encode(payload)}";
        return $"{input}.{Base64Url.EncodeToString(Ec.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256))}";
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public static VerifiedJwt? Verify(string token, out string problem) => Verify(token, Expected, out problem);

    public static VerifiedJwt? Verify(string token, JwtExpectations expected, out string problem) =>
        JwtVerifier.Verify(token, expected, kid => kid == Kid ? RsKey : null, Now, out problem);

    public static string JwkOf(AsymmetricAlgorithm key, string alg) => Encoding.UTF8.GetString(Jwk.Write(key, Kid, alg));

    private static VerificationKey Read(AsymmetricAlgorithm key, string alg) =>
        VerificationKey.FromJwk(JsonElement.Parse(JwkOf(key, alg)), alg, out var problem).ShouldNotBeNull(problem);
}
