using System.Text.Json;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Tests.Keys.Wycheproof;

/// <summary>Whole tokens, through the layer that reads ours.</summary>
public sealed class JsonWebSignatureVectors
{
    private const string Symmetric = "HMAC is not accepted: whoever verifies could also sign";
    private const string KeyName = "the key's kid has a character outside [A-Za-z0-9._-]";
    private const string OtherAlgorithm = "the key is for another algorithm than the header's";

    /// <summary>Every valid vector that our policy refuses, and why. Exact: a vector that is refused and not listed fails the test, and so does one listed and accepted.</summary>
    private static readonly Dictionary<int, string> RefusedThoughValid = new()
    {
        [1] = Symmetric,
        [357] = Symmetric,
        [358] = Symmetric,
        [359] = Symmetric,
        [372] = Symmetric + "; and its header has a character that base64url does not",
        [373] = Symmetric + "; and its payload has a character that base64url does not",
        [376] = Symmetric,
        [377] = Symmetric,
        [348] = Symmetric,
        [352] = Symmetric,
        [345] = KeyName,
        [349] = KeyName,
        [346] = KeyName + "; and " + OtherAlgorithm,
        [350] = KeyName + "; and " + OtherAlgorithm,
        [347] = KeyName + "; and ES521 is no algorithm",
        [351] = KeyName + "; and ES521 is no algorithm",
    };

    [VectorFact]
    public void Every_invalid_token_is_refused_and_every_valid_one_accepted_but_those_listed()
    {
        var accepted = new List<int>();
        var refused = new List<int>();
        foreach (var group in Vectors.Load("json_web_signature_test.json"))
        {
            var key = Key(group);
            foreach (var test in group.Tests)
            {
                var passes = VerifiedJws.Verify(Token(test), kid => kid == key?.Kid || key?.Kid is null ? key : null, out _) is not null;
                if (passes && test.Result != "valid")
                {
                    accepted.Add(test.Id);
                }

                if (!passes && test.Result == "valid")
                {
                    refused.Add(test.Id);
                }
            }
        }

        accepted.ShouldBeEmpty();
        refused.ShouldBe(RefusedThoughValid.Keys, ignoreOrder: true);
    }

    [VectorFact]
    public void Every_token_whose_RSA_padding_was_changed_is_refused_by_its_signature()
    {
        var changed = Vectors.Load("json_web_signature_test.json").SelectMany(g => g.Tests.Select(t => (Key: Key(g), Test: t)))
            .Where(v => v.Test.Json.GetProperty("flags").EnumerateArray().Any(f => f.ValueEquals("ModifiedPadding")))
            .ToList();

        changed.Count.ShouldBe(213);
        changed.Select(v => Problem(v.Key, v.Test)).Distinct().ShouldBe(["the signature does not verify"]);
    }

    private static string Problem(VerificationKey? key, Vector test)
    {
        VerifiedJws.Verify(Token(test), _ => key, out var problem).ShouldBeNull();
        return problem;
    }

    private static string Token(Vector test)
    {
        var jws = test.Json.GetProperty("jws");
        return jws.ValueKind == JsonValueKind.String ? jws.GetString()! : jws.GetRawText();
    }

    /// <summary>The key record, as a client or provider registers it: the algorithm stands in it, or is the one usual for its kind.</summary>
    private static VerificationKey? Key(VectorGroup group)
    {
        var jwk = group.Json.TryGetProperty("public", out var found) ? found : group.Json.GetProperty("private");
        var alg = jwk.TryGetProperty("alg", out var named) ? named.GetString()! : jwk.GetProperty("kty").GetString() == "EC" ? "ES256" : "RS256";
        return VerificationKey.FromJwk(jwk, alg, out _);
    }
}
