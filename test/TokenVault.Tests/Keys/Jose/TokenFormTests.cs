using System.Buffers.Text;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Tests.Keys.Jose;

/// <summary>What a token must look like before anything in it is believed.</summary>
public sealed class TokenFormTests
{
    [Fact]
    public void A_good_token_verifies_and_tells_its_claims()
    {
        var jwt = Tokens.Verify(
            Tokens.Rs256(Tokens.RsHeader, Tokens.Payload("""  "jti":"j1","n":7,"half":0.5,"yes":true,"list":["a","b"],"mixed":["a",1]  """)), out var problem);

        jwt.ShouldNotBeNull(problem);
        jwt.Type.ShouldBe("at+jwt");
        jwt.KeyId.ShouldBe(Tokens.Kid);
        jwt.Issuer.ShouldBe(Tokens.Issuer);
        jwt.Subject.ShouldBe("auth0|1");
        jwt.Audiences.ShouldBe([Tokens.Audience]);
        jwt.IssuedAt.ShouldBe(Tokens.Now);
        jwt.ExpiresAt.ShouldBe(Tokens.Now.AddSeconds(300));
        jwt.JwtId.ShouldBe("j1");
        jwt.Text("sub").ShouldBe("auth0|1");
        jwt.Text("n").ShouldBeNull();
        jwt.Number("n").ShouldBe(7);
        jwt.Number("half").ShouldBeNull();
        jwt.Flag("yes").ShouldBe(true);
        jwt.Flag("n").ShouldBeNull();
        jwt.TextList("list").ShouldBe(["a", "b"]);
        jwt.TextList("mixed").ShouldBeNull();
        jwt.Text("absent").ShouldBeNull();
    }

    [Fact]
    public void T_ST_01_only_the_verifier_makes_a_verified_token()
    {
        foreach (var (type, expected) in new (Type, string[])[]
        {
            (typeof(VerifiedJwt), ["VerifiedJwt.Check", "JwtVerifier.Verify"]),
            (typeof(VerifiedJws), ["VerifiedJws.Verify", "VerifiedJws.VerifyByItsKey", "VerifiedJws.VerifyWith"]),
            (typeof(DpopProof), ["DpopProof.Verify", "DpopProof.Read"]),
        })
        {
            type.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance).ShouldAllBe(c => c.IsPrivate);
            var makers = type.Assembly.GetTypes()
                .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
                .Where(m => m.ReturnType == type && m.DeclaringType!.Namespace == typeof(VerifiedJwt).Namespace)
                .Select(m => $"{m.DeclaringType!.Name}.{m.Name}");
            makers.ShouldBe(expected, ignoreOrder: true);
        }
    }

    [Fact]
    public void T_ST_01_a_token_without_its_signature_is_refused()
    {
        var token = Tokens.Rs256(Tokens.RsHeader, Tokens.Payload());

        Tokens.Verify(token[..(token.LastIndexOf('.') + 1)], out _).ShouldBeNull();
        Tokens.Verify(token[..token.LastIndexOf('.')], out _).ShouldBeNull();
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("nOnE")]
    [InlineData("NONE")]
    [InlineData("")]
    [InlineData("rs256")]
    [InlineData("RS256 ")]
    [InlineData("RS384")]
    [InlineData("PS256")]
    [InlineData("HS256")]
    public void T_ST_02_the_header_cannot_choose_the_algorithm(string alg)
    {
        var header = $$"""{"alg":"{{alg}}","typ":"at+jwt","kid":"key-1"}""";
        var signed = Tokens.Rs256(header, Tokens.Payload());

        Tokens.Verify(signed, out var problem).ShouldBeNull();
        problem.ShouldContain("alg");
        Tokens.Verify($"{Tokens.Encode(header)}.{Tokens.Encode(Tokens.Payload())}.", out _).ShouldBeNull();
    }

    [Theory]
    [InlineData("HS256")]
    [InlineData("RS256")]
    public void T_ST_02_a_public_key_is_no_HMAC_secret(string alg)
    {
        var spki = Tokens.Rsa.ExportSubjectPublicKeyInfo();
        var pem = Tokens.Rsa.ExportSubjectPublicKeyInfoPem();
        byte[][] secrets =
        [
            spki,
            Tokens.Rsa.ExportRSAPublicKey(),
            Encoding.ASCII.GetBytes(pem),
            Encoding.ASCII.GetBytes(pem + "\n"),
            Encoding.ASCII.GetBytes(Tokens.Rsa.ExportRSAPublicKeyPem()),
            Encoding.ASCII.GetBytes(Tokens.JwkOf(Tokens.Rsa, "RS256")),
            Tokens.Rsa.ExportParameters(includePrivateParameters: false).Modulus!,
            [],
        ];
        var input = $$"""{"alg":"{{alg}}","typ":"at+jwt","kid":"key-1"}""";
        input = $"{Tokens.Encode(input)}.{Tokens.Encode(Tokens.Payload())}";

        foreach (var secret in secrets)
        {
            var mac = HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(input));
            Tokens.Verify($"{input}.{Base64Url.EncodeToString(mac)}", out _).ShouldBeNull();
        }
    }

    [Theory]
    [InlineData("HS256")]
    [InlineData("HS384")]
    [InlineData("HS512")]
    [InlineData("none")]
    [InlineData("RSA1_5")]
    [InlineData("EdDSA")]
    [InlineData("ES256K")]
    public void T_ST_02_there_is_no_key_for_any_other_algorithm(string alg) =>
        VerificationKey.FromJwk(System.Text.Json.JsonElement.Parse("""{"kty":"oct","k":"AAAA"}"""), alg, out _).ShouldBeNull();

    [Theory]
    [InlineData("\"jwk\":{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}")]
    [InlineData("\"jwk\":null")]
    [InlineData("\"jku\":\"https://attacker.example/jwks\"")]
    [InlineData("\"x5u\":\"https://attacker.example/cert\"")]
    [InlineData("\"x5c\":[\"MIIB\"]")]
    [InlineData("\"crit\":[\"exp\"],\"exp\":1")]
    [InlineData("\"crit\":[\"b64\"],\"b64\":false")]
    [InlineData("\"crit\":[]")]
    [InlineData("\"crit\":null")]
    [InlineData("\"b64\":false")]
    [InlineData("\"b64\":true")]
    [InlineData("\"zip\":\"DEF\"")]
    [InlineData("\"enc\":\"A256GCM\"")]
    public void T_ST_03_a_header_that_brings_keys_or_extensions_is_refused_before_any_key_is_looked_up(string member)
    {
        var token = Tokens.Rs256($$"""{"alg":"RS256","typ":"at+jwt","kid":"key-1",{{member}}}""", Tokens.Payload());
        var asked = false;

        JwtVerifier.Verify(token, Tokens.Expected, _ => { asked = true; return Tokens.RsKey; }, Tokens.Now, out var problem).ShouldBeNull();

        problem.ShouldStartWith("the header has '");
        asked.ShouldBeFalse();
    }

    [Fact]
    public void A_header_member_that_only_informs_is_no_reason_to_refuse() =>
        Tokens.Verify(Tokens.Rs256("""{"alg":"RS256","typ":"at+jwt","kid":"key-1","x5t":"abc","cty":"x"}""", Tokens.Payload()), out var problem)
            .ShouldNotBeNull(problem);

    [Fact]
    public void T_ST_04_an_encrypted_token_is_refused_by_its_five_parts()
    {
        var token = Tokens.Encode("""{"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF"}""") + ".AAAA.AAAA.AAAA.AAAA";

        Tokens.Verify(token, out var problem).ShouldBeNull();
        problem.ShouldBe("the token has 5 parts");
    }

    [Theory]
    [InlineData('A')]
    [InlineData('.')]
    [InlineData('\uffff')]
    public void T_ST_04_a_huge_token_costs_nothing(char filling)
    {
        var bomb = Tokens.Encode("""{"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF"}""") + "." + new string(filling, 10_000_000);
        Tokens.Verify(bomb, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Tokens.Verify(bomb, out var problem).ShouldBeNull();

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(64 * 1024);
        problem.ShouldBe("the token is longer than 8 KiB");
    }

    [Fact]
    public void The_size_caps_are_exact()
    {
        var room = VerifiedJws.LongestToken - Tokens.Rs256(Tokens.RsHeader, Tokens.Payload("\"x\":\"\"")).Length;
        var longest = Enumerable.Range((room * 3 / 4) - 3, 8)
            .Select(n => Tokens.Rs256(Tokens.RsHeader, Tokens.Payload($"\"x\":\"{new string('x', n)}\"")))
            .ToList();

        longest.Where(t => (Tokens.Verify(t, out _) is not null) != (t.Length <= VerifiedJws.LongestToken)).ShouldBeEmpty();
        longest.ShouldContain(t => t.Length <= VerifiedJws.LongestToken);
        longest.ShouldContain(t => t.Length > VerifiedJws.LongestToken);
    }

    [Theory]
    [InlineData(1400, true)]
    [InlineData(1600, false)]
    public void A_header_longer_than_2_KiB_is_refused(int filling, bool taken) =>
        (Tokens.Verify(Tokens.Rs256($$"""{"alg":"RS256","typ":"at+jwt","kid":"key-1","x":"{{new string('x', filling)}}"}""", Tokens.Payload()), out _) is not null)
            .ShouldBe(taken);

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("a")]
    [InlineData("{\"payload\":\"\",\"signatures\":[]}")]
    public void What_is_no_compact_token_is_refused(string token) => Tokens.Verify(token, out _).ShouldBeNull();
}
