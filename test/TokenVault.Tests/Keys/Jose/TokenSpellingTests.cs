using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Keys.Jose;

namespace TokenVault.Tests.Keys.Jose;

/// <summary>One token has one spelling, names keys by plain names, and speaks strict JSON.</summary>
public sealed class TokenSpellingTests
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    [Fact]
    public void T_ST_17_no_other_spelling_of_a_token_passes()
    {
        // Payloads of all three lengths modulo 3 have all three kinds of endings.
        string[] payloads = [Tokens.Payload("\"x\":\"\""), Tokens.Payload("\"x\":\"1\""), Tokens.Payload("\"x\":\"12\"")];
        foreach (var token in payloads.Select(p => Tokens.Rs256(Tokens.RsHeader, p)))
        {
            Tokens.Verify(token, out var problem).ShouldNotBeNull(problem);
            Respelled(token).Where(t => Tokens.Verify(t, out _) is not null).ShouldBeEmpty();
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("../../etc/passwd")]
    [InlineData("key-1'; DROP TABLE keys; --")]
    [InlineData("key-1\\u0000")]
    [InlineData("key-1 ")]
    [InlineData("\\nkey-1")]
    [InlineData("ＫＥＹ")]
    [InlineData("k\\u0435y-1")]
    [InlineData("a/b")]
    [InlineData("a@b")]
    [InlineData("%2e%2e")]
    [InlineData("\\ud83d\\ude00")]
    public void T_ST_16_a_kid_that_is_no_plain_name_reaches_no_key_store(string kid)
    {
        var asked = false;
        var token = Tokens.Rs256($$"""{"alg":"RS256","typ":"at+jwt","kid":"{{kid}}"}""", Tokens.Payload());

        JwtVerifier.Verify(token, Tokens.Expected, _ => { asked = true; return Tokens.RsKey; }, Tokens.Now, out var problem).ShouldBeNull();

        problem.ShouldBe("the kid is not one");
        asked.ShouldBeFalse();
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void T_ST_16_a_kid_has_at_most_128_characters(int length, bool taken) =>
        (JwtVerifier.Verify(
            Tokens.Rs256($$"""{"alg":"RS256","typ":"at+jwt","kid":"{{new string('k', length)}}"}""", Tokens.Payload()),
            Tokens.Expected,
            _ => Tokens.RsKey,
            Tokens.Now,
            out _) is not null).ShouldBe(taken);

    [Theory]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("[\"key-1\"]")]
    public void T_ST_16_a_kid_is_a_string(string kid) =>
        Tokens.Verify(Tokens.Rs256($$"""{"alg":"RS256","typ":"at+jwt","kid":{{kid}}}""", Tokens.Payload()), out _).ShouldBeNull();

    [Theory]
    [InlineData("""{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"key-1"}""")]
    [InlineData("""{"alg":"RS256","alg":"RS256","typ":"at+jwt","kid":"key-1"}""")]
    [InlineData("""{"alg":"RS256","\u0061lg":"none","typ":"at+jwt","kid":"key-1"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"key-1",}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"key-1"}{}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"key-1"/**/}""")]
    [InlineData("""[{"alg":"RS256","typ":"at+jwt","kid":"key-1"}]""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"key-1","x":"\ud800"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"key-1","\udc00":1}""")]
    [InlineData("""{'alg':'RS256','typ':'at+jwt','kid':'key-1'}""")]
    [InlineData("""{"alg":["RS256"],"typ":"at+jwt","kid":"key-1"}""")]
    [InlineData("""{"typ":"at+jwt","kid":"key-1"}""")]
    [InlineData("\"RS256\"")]
    [InlineData("null")]
    [InlineData("")]
    public void A_header_in_other_than_strict_JSON_is_refused(string header) =>
        Tokens.Verify(Tokens.Rs256(header, Tokens.Payload()), out _).ShouldBeNull();

    [Theory]
    [InlineData("\"sub\":\"auth0|2\"")]
    [InlineData("\"\\u0073ub\":\"auth0|2\"")]
    [InlineData("\"x\":{\"a\":1,\"a\":2}")]
    [InlineData("\"x\":[{\"a\":1,\"a\":1}]")]
    [InlineData("\"x\":\"\\udfff\"")]
    [InlineData("\"x\":\"\\ud800\\u0041\"")]
    [InlineData("\"x\":NaN")]
    [InlineData("\"x\":01")]
    [InlineData("\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]")]
    public void A_payload_in_other_than_strict_JSON_is_refused(string member)
    {
        Tokens.Verify(Tokens.Rs256(Tokens.RsHeader, Tokens.Payload(member)), out var problem).ShouldBeNull();
        problem.ShouldBe("the payload is not a strict JSON object");
    }

    [Fact]
    public void A_payload_that_is_not_UTF_8_is_refused()
    {
        var good = Encoding.UTF8.GetBytes(Tokens.Payload("\"x\":\"?\""));
        byte[][] bad =
        [
            [0xEF, 0xBB, 0xBF, .. good],
            [.. good, 0],
            .. new byte[] { 0xC0, 0xFF, 0x80 }.Select(b => good.Select(g => g == (byte)'?' ? b : g).ToArray()),
            Encoding.Unicode.GetBytes(Tokens.Payload()),
        ];

        bad.Where(p => Tokens.Verify(Tokens.Rs256(Tokens.RsHeader, p), out _) is not null).ShouldBeEmpty();
    }

    [Fact]
    public void T_ST_18_degenerate_and_misformed_ECDSA_signatures_are_refused()
    {
        var token = Tokens.Es256(Tokens.EsHeader, Tokens.Payload());
        var input = token[..token.LastIndexOf('.')];
        Verifies(token).ShouldBeTrue();

        var order = Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
        var good = System.Buffers.Text.Base64Url.DecodeFromChars(token.AsSpan(token.LastIndexOf('.') + 1));
        var data = Encoding.ASCII.GetBytes(input);
        byte[][] signatures =
        [
            new byte[64],
            [.. order, .. order],
            [.. new byte[32], .. good[32..]],
            [.. good[..32], .. new byte[32]],
            [.. good[..32], .. order],
            [.. order, .. good[32..]],
            [.. new byte[31], 1, .. new byte[31], 1],
            [.. good, 0],
            [0, .. good],
            good[..63],
            [],
            [.. good[..32], 0, .. good[32..]],
            Tokens.Ec.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence),
        ];

        signatures.Where(s => Verifies($"{input}.{System.Buffers.Text.Base64Url.EncodeToString(s)}")).ShouldBeEmpty();
    }

    private static bool Verifies(string token) =>
        JwtVerifier.Verify(token, Tokens.Expected, _ => Tokens.EsKey, Tokens.Now, out _) is not null;

    private static IEnumerable<string> Respelled(string token)
    {
        var parts = token.Split('.');
        for (var i = 0; i < parts.Length; i++)
        {
            foreach (var other in Respellings(parts[i]))
            {
                yield return string.Join('.', parts.Select((part, at) => at == i ? other : part));
            }
        }

        foreach (var space in new[] { " ", "\n", "\t", "\0" })
        {
            yield return token + space;
            yield return space + token;
        }
    }

    private static IEnumerable<string> Respellings(string part)
    {
        foreach (var more in new[] { "=", "==", "===", " ", "\n", "\r\n", "\t", "\0", "A", "%3D", "\u200b" })
        {
            yield return part + more;
            yield return more + part;
            yield return part.Insert(part.Length / 2, more);
        }

        // The bits of the last character that encode nothing: only when a part has such.
        foreach (var last in Alphabet.Where(c => c != part[^1] && part.Length % 4 != 0))
        {
            yield return part[..^1] + last;
        }

        if (part.AsSpan().ContainsAny('-', '_'))
        {
            yield return part.Replace('-', '+').Replace('_', '/');
        }
    }
}
