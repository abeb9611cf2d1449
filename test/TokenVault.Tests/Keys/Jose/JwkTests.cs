using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Tests.Keys.Jose;

/// <summary>Which public keys are taken.</summary>
public sealed class JwkTests
{
    // RFC 7638 §3.1.
    private const string RfcModulus =
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    [Fact]
    public void The_thumbprint_is_that_of_RFC_7638()
    {
        using var rsa = RSA.Create(new RSAParameters { Modulus = Base64Url.DecodeFromChars(RfcModulus), Exponent = [1, 0, 1] });

        Jwk.Thumbprint(rsa).ShouldBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    public void An_RSA_key_serves_the_algorithm_of_its_record_alone(string alg)
    {
        var key = VerificationKey.FromJwk(Rsa(), alg, out var problem).ShouldNotBeNull(problem);
        var hash = new HashAlgorithmName("SHA" + alg[2..]);
        var padding = alg[0] == 'R' ? RSASignaturePadding.Pkcs1 : RSASignaturePadding.Pss;
        var other = alg[0] == 'R' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;

        key.Alg.ShouldBe(alg);
        key.Verify("data"u8, Tokens.Rsa.SignData("data"u8, hash, padding)).ShouldBeTrue();
        key.Verify("data"u8, Tokens.Rsa.SignData("data"u8, hash, other)).ShouldBeFalse();
        key.Verify("Data"u8, Tokens.Rsa.SignData("data"u8, hash, padding)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("ES256", "P-256", 256)]
    [InlineData("ES384", "P-384", 384)]
    [InlineData("ES512", "P-521", 521)]
    public void An_EC_key_serves_the_algorithm_of_its_curve(string alg, string curve, int size)
    {
        using var ec = ECDsa.Create(Curve(curve));
        ec.KeySize.ShouldBe(size);
        var jwk = JsonElement.Parse(Jwk.Write(ec, "k", alg));
        jwk.GetProperty("crv").GetString().ShouldBe(curve);
        var key = VerificationKey.FromJwk(jwk, alg, out var problem).ShouldNotBeNull(problem);
        var hash = new HashAlgorithmName("SHA" + alg[2..]);

        key.Verify("data"u8, ec.SignData("data"u8, hash)).ShouldBeTrue();
        key.Verify("Data"u8, ec.SignData("data"u8, hash)).ShouldBeFalse();
        new[] { "ES256", "ES384", "ES512", "RS256" }.Where(a => a != alg).ShouldAllBe(a => Refused(jwk, a));
    }

    [Theory]
    [InlineData("\"d\":\"AAAA\"")]
    [InlineData("\"p\":\"AAAA\"")]
    [InlineData("\"k\":\"AAAA\"")]
    [InlineData("\"use\":\"enc\"")]
    [InlineData("\"use\":1")]
    [InlineData("\"key_ops\":[\"sign\"]")]
    [InlineData("\"key_ops\":\"verify\"")]
    [InlineData("\"alg\":\"RS512\"")]
    [InlineData("\"alg\":null")]
    [InlineData("\"kid\":\"../x\"")]
    [InlineData("\"kid\":\"\"")]
    [InlineData("\"kid\":1")]
    [InlineData("\"kid\":\"\\ud800\"")]
    [InlineData("\"\\ud800\":1")]
    [InlineData("\"e\":\"AQAB\"")]
    public void T_PW_12_a_key_that_is_private_or_for_something_else_is_refused(string member)
    {
        var jwk = Rsa().GetRawText();
        VerificationKey.FromJwk(JsonElement.Parse(jwk[..^1] + "," + member + "}"), "RS256", out var problem).ShouldBeNull();
        problem.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("\"use\":\"sig\"")]
    [InlineData("\"key_ops\":[\"verify\"]")]
    [InlineData("\"alg\":\"RS256\"")]
    [InlineData("\"kid\":\"A.b_c-1\"")]
    [InlineData("\"x5t\":\"abc\"")]
    public void A_key_that_says_what_it_is_for_is_taken(string member)
    {
        var jwk = Rsa().GetRawText();
        VerificationKey.FromJwk(JsonElement.Parse(jwk[..^1] + "," + member + "}"), "RS256", out var problem).ShouldNotBeNull(problem);
    }

    [Fact]
    public void T_PW_12_weak_oversized_and_misspelled_RSA_keys_are_refused()
    {
        var modulus = Tokens.Rsa.ExportParameters(includePrivateParameters: false).Modulus!;
        byte[] shifted = [(byte)(modulus[0] >> 1), .. modulus[1..]];
        (byte[] N, byte[] E)[] keys =
        [
            (modulus[..128], [1, 0, 1]),
            (modulus[..255], [1, 0, 1]),
            (shifted, [1, 0, 1]),
            ([0, .. modulus], [1, 0, 1]),
            ([.. modulus[..^1], (byte)(modulus[^1] & 0xFE)], [1, 0, 1]),
            ([.. Enumerable.Repeat((byte)0xFF, 1025)], [1, 0, 1]),
            (modulus, [3]),
            (modulus, [1]),
            (modulus, [0, 1, 0, 1]),
            (modulus, [1, 0, 0, 1]),
            (modulus, []),
            ([], [1, 0, 1]),
        ];

        keys.Where(k => !Refused(Rsa(Base64Url.EncodeToString(k.N), Base64Url.EncodeToString(k.E)), "RS256")).ShouldBeEmpty();
        Refused(Rsa(Base64Url.EncodeToString(modulus) + "==", "AQAB"), "RS256").ShouldBeTrue();
        Refused(Rsa(Convert.ToBase64String(modulus), "AQAB"), "RS256").ShouldBeTrue();
        Refused(Rsa(Base64Url.EncodeToString(modulus), "AQAB"), "RS256").ShouldBeFalse();
    }

    [Fact]
    public void T_PW_12_points_that_are_not_on_the_curve_or_not_of_its_size_are_refused()
    {
        var q = Tokens.Ec.ExportParameters(includePrivateParameters: false).Q;
        var (x, y) = (q.X!, q.Y!);
        (byte[] X, byte[] Y)[] points =
        [
            (x, [.. y[..^1], (byte)(y[^1] ^ 1)]),
            (new byte[32], new byte[32]),
            (y, x),
            (x[..31], y),
            ([0, .. x], y),
            ([.. Enumerable.Repeat((byte)0xFF, 32)], y),
            ([], []),
        ];

        points.Where(p => !Refused(Ec(p.X, p.Y), "ES256")).ShouldBeEmpty();
        Refused(Ec(x, y), "ES256").ShouldBeFalse();
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"key\"")]
    [InlineData("{}")]
    [InlineData("{\"kty\":\"oct\",\"k\":\"AAAA\"}")]
    [InlineData("{\"kty\":\"RSA\"}")]
    [InlineData("{\"kty\":\"RSA\",\"n\":1,\"e\":\"AQAB\"}")]
    [InlineData("{\"kty\":\"rsa\",\"n\":\"AQAB\",\"e\":\"AQAB\"}")]
    public void What_is_no_key_is_refused(string json) => Refused(JsonElement.Parse(json), "RS256").ShouldBeTrue();

    private static bool Refused(JsonElement jwk, string alg) => VerificationKey.FromJwk(jwk, alg, out _) is null;

    private static JsonElement Rsa() => Rsa(Base64Url.EncodeToString(Tokens.Rsa.ExportParameters(includePrivateParameters: false).Modulus), "AQAB");

    private static JsonElement Rsa(string modulus, string exponent) =>
        JsonElement.Parse($$"""{"kty":"RSA","n":"{{modulus}}","e":"{{exponent}}"}""");

    private static JsonElement Ec(byte[] x, byte[] y) =>
        JsonElement.Parse(Encoding.ASCII.GetBytes(
            $$"""{"kty":"EC","crv":"P-256","x":"{{Base64Url.EncodeToString(x)}}","y":"{{Base64Url.EncodeToString(y)}}"}"""));

    private static ECCurve Curve(string name) => name switch
    {
        "P-256" => ECCurve.NamedCurves.nistP256,
        "P-384" => ECCurve.NamedCurves.nistP384,
        _ => ECCurve.NamedCurves.nistP521,
    };
}
