using System.Buffers.Text;
using System.Text.Json;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Tests.Keys.Wycheproof;

/// <summary>The signature algorithms, through the key type that verifies tokens.</summary>
public sealed class SignatureVectors
{
    [VectorTheory]
    [InlineData("rsa_signature_2048_sha256_test.json", "RS256")]
    [InlineData("rsa_signature_2048_sha384_test.json", "RS384")]
    [InlineData("rsa_signature_3072_sha256_test.json", "RS256")]
    [InlineData("rsa_signature_4096_sha256_test.json", "RS256")]
    [InlineData("rsa_signature_4096_sha512_test.json", "RS512")]
    [InlineData("rsa_pss_2048_sha256_mgf1_32_test.json", "PS256")]
    public void RSA_signatures_verify_when_they_are_valid_and_the_key_is_one_we_take(string file, string alg)
    {
        var wrong = new List<int>();
        foreach (var group in Vectors.Load(file))
        {
            var key = VerificationKey.FromJwk(RsaJwk(group), alg, out var problem);
            if (Exponent(group) != "010001")
            {
                key.ShouldBeNull();
                problem.ShouldBe("the exponent is not 65537");
                continue;
            }

            wrong.AddRange(Misjudged(key.ShouldNotBeNull(problem), group));
        }

        wrong.ShouldBeEmpty();
    }

    [VectorTheory]
    [InlineData("ecdsa_secp256r1_sha256_p1363_test.json", "ES256", "P-256")]
    [InlineData("ecdsa_secp384r1_sha384_p1363_test.json", "ES384", "P-384")]
    public void T_ST_18_ECDSA_signatures_verify_in_the_one_fixed_form_only(string file, string alg, string curve)
    {
        var wrong = new List<int>();
        foreach (var group in Vectors.Load(file))
        {
            var key = VerificationKey.FromJwk(EcJwk(group, curve), alg, out var problem).ShouldNotBeNull(problem);
            wrong.AddRange(Misjudged(key, group));
        }

        wrong.ShouldBeEmpty();
    }

    /// <summary>What is "acceptable" is a signature in a form that the standard does not allow (a missing NULL): refused, like all others.</summary>
    private static IEnumerable<int> Misjudged(VerificationKey key, VectorGroup group) =>
        group.Tests.Where(t => key.Verify(t.Bytes("msg"), t.Bytes("sig")) != (t.Result == "valid")).Select(t => t.Id);

    private static string Exponent(VectorGroup group) => group.Json.GetProperty("publicKey").GetProperty("publicExponent").GetString()!;

    private static JsonElement RsaJwk(VectorGroup group)
    {
        var modulus = Convert.FromHexString(group.Json.GetProperty("publicKey").GetProperty("modulus").GetString()!).AsSpan().TrimStart((byte)0);
        var exponent = Convert.FromHexString(Exponent(group)).AsSpan().TrimStart((byte)0);
        return JsonElement.Parse($$"""{"kty":"RSA","n":"{{Base64Url.EncodeToString(modulus)}}","e":"{{Base64Url.EncodeToString(exponent)}}"}""");
    }

    private static JsonElement EcJwk(VectorGroup group, string curve)
    {
        var point = Convert.FromHexString(group.Json.GetProperty("publicKey").GetProperty("uncompressed").GetString()!);
        point[0].ShouldBe((byte)4);
        var size = point.Length / 2;
        var x = Base64Url.EncodeToString(point.AsSpan(1, size));
        var y = Base64Url.EncodeToString(point.AsSpan(1 + size));
        return JsonElement.Parse($$"""{"kty":"EC","crv":"{{curve}}","x":"{{x}}","y":"{{y}}"}""");
    }
}
