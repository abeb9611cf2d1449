using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

/// <summary>id_tokens that must not be believed (OpenID Connect Core §3.1.3.7, RFC 8725), made of a true one; and some that must be.</summary>
internal static class IdTokenForgeries
{
    private static readonly RSA OtherKey = RSA.Create(2048);

    /// <summary>Of a key that is not the provider's, as a JWK has it.</summary>
    public static string OtherModulus { get; } = Base64Url.EncodeToString(OtherKey.ExportParameters(includePrivateParameters: false).Modulus);

    public static Dictionary<string, Func<string, FakeProvider, string>> Bad { get; } = new(StringComparer.Ordinal)
    {
        ["iss of somebody else"] = Claim("iss", "https://evil.example"),
        ["iss with a slash more"] = (t, p) => p.Resign(t, c => c["iss"] = p.Issuer + "/"),
        ["iss in capitals"] = (t, p) => p.Resign(t, c => c["iss"] = p.Issuer.ToUpperInvariant()),
        ["iss with a path"] = (t, p) => p.Resign(t, c => c["iss"] = p.Issuer + "/tenant"),
        ["iss as https"] = (t, p) => p.Resign(t, c => c["iss"] = p.Issuer.Replace("http:", "https:", StringComparison.Ordinal)),
        ["iss absent"] = Claim("iss", null),
        ["iss a list"] = (t, p) => p.Resign(t, c => c["iss"] = new JsonArray(p.Issuer)),
        ["iss empty"] = Claim("iss", ""),
        ["aud of somebody else"] = Claim("aud", "someone-else"),
        ["aud absent"] = Claim("aud", null),
        ["aud empty list"] = Claim("aud", new JsonArray()),
        ["aud a prefix"] = (t, p) => p.Resign(t, c => c["aud"] = p.ClientId[..^1]),
        ["aud with a space"] = (t, p) => p.Resign(t, c => c["aud"] = p.ClientId + " "),
        ["aud a number"] = Claim("aud", 1),
        ["aud several, no azp"] = (t, p) => p.Resign(t, c => c["aud"] = new JsonArray(p.ClientId, "someone-else")),
        ["aud several, azp of somebody else"] = (t, p) => p.Resign(t, c =>
        {
            c["aud"] = new JsonArray(p.ClientId, "someone-else");
            c["azp"] = "someone-else";
        }),
        ["azp of somebody else"] = Claim("azp", "someone-else"),
        ["azp empty"] = Claim("azp", ""),
        ["exp long ago"] = Claim("exp", 1),
        ["exp a minute and a half ago"] = (t, p) => p.Resign(t, c => c["exp"] = c["iat"]!.GetValue<long>() - 90),
        ["exp absent"] = Claim("exp", null),
        ["exp a text"] = Claim("exp", "4102444800"),
        ["exp negative"] = Claim("exp", -1),
        ["exp beyond all time"] = Claim("exp", 1e300),
        ["iat absent"] = Claim("iat", null),
        ["iat a text"] = Claim("iat", "now"),
        ["iat an hour ahead"] = (t, p) => p.Resign(t, c => c["iat"] = c["iat"]!.GetValue<long>() + 3600),
        ["nbf an hour ahead"] = (t, p) => p.Resign(t, c => c["nbf"] = c["iat"]!.GetValue<long>() + 3600),
        ["nonce of another sign-in"] = Claim("nonce", "replayed"),
        ["nonce absent"] = Claim("nonce", null),
        ["nonce empty"] = Claim("nonce", ""),
        ["nonce in capitals"] = (t, p) => p.Resign(t, c => c["nonce"] = Upstream.Nonce.ToUpperInvariant()),
        ["nonce a number"] = Claim("nonce", 0),
        ["sub absent"] = Claim("sub", null),
        ["sub empty"] = Claim("sub", ""),
        ["sub a number"] = Claim("sub", 7),
        ["sub of 256 characters"] = Claim("sub", new string('s', 256)),
        ["sub null"] = (t, p) => p.Resign(t, c => c["sub"] = null),
        ["alg none"] = (t, _) => Header(t, """{"alg":"none"}""", signature: ""),
        ["alg none, signature kept"] = (t, _) => Header(t, """{"alg":"none"}"""),
        ["alg nOnE"] = (t, _) => Header(t, """{"alg":"nOnE"}""", signature: ""),
        ["alg absent"] = (t, _) => Header(t, """{"typ":"JWT"}"""),
        ["alg HS256 with the client secret"] = (t, p) => Hmac(t, Encoding.UTF8.GetBytes(p.ClientSecret), p),
        ["alg HS256 with the public key"] = (t, p) => Hmac(t, Encoding.ASCII.GetBytes(p.Sandbox.Key.Jwks()["keys"]![0]!["n"]!.GetValue<string>()), p),
        ["alg RS512 on an RS256 signature"] = (t, p) => Header(t, $$"""{"alg":"RS512","kid":"{{p.Sandbox.Key.KeyId}}"}"""),
        ["alg PS256 on an RS256 signature"] = (t, p) => Header(t, $$"""{"alg":"PS256","kid":"{{p.Sandbox.Key.KeyId}}"}"""),
        ["alg ES256 with an RSA key"] = (t, p) => Header(t, $$"""{"alg":"ES256","kid":"{{p.Sandbox.Key.KeyId}}"}"""),
        ["signed by another key"] = (t, p) => SignedByOther(t, $$"""{"alg":"RS256","kid":"{{p.Sandbox.Key.KeyId}}"}"""),
        ["signed by a key in its own header"] = (t, _) => SignedByOther(t, $$"""{"alg":"RS256","jwk":{{OtherJwk()}}}"""),
        ["signed by a key that its header points to"] = (t, _) => SignedByOther(t, """{"alg":"RS256","jku":"http://127.0.0.1:1/keys"}"""),
        ["an unknown kid"] = (t, _) => SignedByOther(t, """{"alg":"RS256","kid":"unknown"}"""),
        ["a kid that is a path"] = (t, _) => SignedByOther(t, """{"alg":"RS256","kid":"../../../dev/null"}"""),
        ["crit with something unknown"] = (t, p) => Header(t, $$"""{"alg":"RS256","kid":"{{p.Sandbox.Key.KeyId}}","crit":["x"],"x":1}"""),
        ["typ of an access token"] = (t, p) => Header(t, $$"""{"alg":"RS256","kid":"{{p.Sandbox.Key.KeyId}}","typ":"at+jwt"}"""),
        ["typ of a logout token"] = (t, p) => Header(t, $$"""{"alg":"RS256","kid":"{{p.Sandbox.Key.KeyId}}","typ":"logout+jwt"}"""),
        ["claims changed after signing"] = (t, _) => Parts(t, 1, Encode("""{"sub":"mallory"}""")),
        ["no signature"] = (t, _) => Parts(t, 2, ""),
        ["signature cut short"] = (t, _) => t[..^4],
        ["signature with one bit turned"] = (t, _) => t[..^6] + (t[^6] == 'A' ? 'B' : 'A') + t[^5..],
        ["signature with padding"] = (t, _) => t + "==",
        ["a part too many"] = (t, _) => t + ".x",
        ["a part too few"] = (t, _) => t[..t.LastIndexOf('.')],
        ["claims that are no JSON"] = (t, _) => Parts(t, 1, Encode("not json")),
        ["claims that are a list"] = (t, _) => Parts(t, 1, Encode("[]")),
        ["a header that is no base64url"] = (t, _) => Parts(t, 0, "!!!"),
        ["an encrypted one"] = (_, _) => "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d",
        ["no token at all"] = (_, _) => "id_token",
        ["empty"] = (_, _) => "",
    };

    public static Dictionary<string, Func<string, FakeProvider, string>> Good { get; } = new(StringComparer.Ordinal)
    {
        ["as it is"] = (t, _) => t,
        ["aud a list of one"] = (t, p) => p.Resign(t, c => c["aud"] = new JsonArray(p.ClientId)),
        ["aud several, and azp"] = (t, p) => p.Resign(t, c =>
        {
            c["aud"] = new JsonArray("an-api", p.ClientId);
            c["azp"] = p.ClientId;
        }),
        ["ended half a minute ago"] = (t, p) => p.Resign(t, c => c["exp"] = c["iat"]!.GetValue<long>() - 30),
        ["claims nobody knows"] = (t, p) => p.Resign(t, c => c["https://claims.example/x"] = new JsonObject { ["a"] = 1 }),
        ["sub of 255 characters"] = (t, p) => p.Resign(t, c => c["sub"] = new string('s', 255)),
    };

    private static Func<string, FakeProvider, string> Claim(string name, JsonNode? value) => (token, provider) => provider.Resign(token, claims =>
    {
        if (value is null)
        {
            claims.Remove(name);
            return;
        }

        claims[name] = value.DeepClone();
    });

    private static string Parts(string token, int index, string part)
    {
        var parts = token.Split('.');
        parts[index] = part;
        return string.Join('.', parts);
    }

    private static string Header(string token, string header, string? signature = null)
    {
        var changed = Parts(token, 0, Encode(header));
        return signature is null ? changed : Parts(changed, 2, signature);
    }

    private static string Hmac(string token, byte[] key, FakeProvider provider)
    {
        var signed = Encode($$"""{"alg":"HS256","kid":"{{provider.Sandbox.Key.KeyId}}"}""") + "." + token.Split('.')[1];
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string SignedByOther(string token, string header)
    {
        var signed = Encode(header) + "." + token.Split('.')[1];
        var signature = OtherKey.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    private static string OtherJwk()
    {
        var key = OtherKey.ExportParameters(includePrivateParameters: false);
        return $$"""{"kty":"RSA","n":"{{Base64Url.EncodeToString(key.Modulus)}}","e":"AQAB"}""";
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
