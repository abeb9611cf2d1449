using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>Our own ways to spoil a DPoP proof that would be accepted as it is (RFC 9449 §4.3). Each is made when it is asked for.</summary>
internal sealed class DpopVectors(DpopKey key, string method, string uri, string? accessToken, Func<DateTimeOffset> now)
{
    public string Good() => key.Proof(method, uri, accessToken);

    /// <summary>A name, and the DPoP headers.</summary>
    public IEnumerable<(string Name, string[] Proofs)> All() =>
        Form().Concat(Headers().Concat(Keys()).Concat(Signatures()).Concat(Claims()).Select(vector => (vector.Name, (string[])[vector.Proof])));

    /// <summary>What is wrong with a nonce, for which another answer is due.</summary>
    public IEnumerable<(string Name, string Proof)> Nonces()
    {
        var nonce = key.Nonce!;
        foreach (var bad in (string[])["", "x", nonce[..^1], nonce + "A", new string('A', nonce.Length), Base64Url.EncodeToString(new byte[24]), nonce.ToUpperInvariant() + " "])
        {
            yield return ($"nonce {bad}", Changed("nonce", bad));
        }

        yield return ("no nonce", Changed("nonce", null));
    }

    private IEnumerable<(string Name, string[] Proofs)> Form()
    {
        yield return ("two headers", [Good(), Good()]);
        yield return ("twice the same", [.. Enumerable.Repeat(Good(), 2)]);
        yield return ("two in one header", [Good() + ", " + Good()]);
        foreach (var text in (string[])["x", "..", ".", "null", "{}", "a.b.c", "DPoP x"])
        {
            yield return ($"not a JWT: {text}", [text]);
        }

        var parts = Good().Split('.');
        yield return ("two parts", [$"{parts[0]}.{parts[1]}"]);
        yield return ("five parts", [$"{parts[0]}.{parts[1]}.{parts[2]}.{parts[1]}.{parts[2]}"]);
        yield return ("padding", [Good() + "="]);
        yield return ("too long", [key.Proof(method, uri, accessToken, claims => claims["x"] = new string('x', 9000))]);
        yield return ("payload twice the member", [key.Key.Sign(key.Header().ToJsonString(), $$"""{"htm":"GET",{{key.Claims(method, uri, accessToken).ToJsonString()[1..]}}""")]);
        yield return ("payload a list", [key.Key.Sign(key.Header().ToJsonString(), $"[{key.Claims(method, uri, accessToken).ToJsonString()}]")]);
    }

    private IEnumerable<(string Name, string Proof)> Headers()
    {
        foreach (var typ in (string?[])[null, "JWT", "jwt", "dpop", "DPoP+JWT", "at+jwt", "token-vault-req+jwt", "dpop+jwt ", ""])
        {
            yield return ($"typ {typ}", WithHeader(header => Set(header, "typ", typ)));
        }

        foreach (var alg in (string?[])[null, "none", "None", "", "HS256", "HS512", "RS256", "PS256", "RS512", "ES384", "ES512", "ES256K", "EdDSA", "es256", "dir"])
        {
            yield return ($"alg {alg}", WithHeader(header => Set(header, "alg", alg)));
        }

        foreach (var name in (string[])["jku", "x5u", "x5c", "crit", "b64", "zip", "enc"])
        {
            yield return ($"header {name}", WithHeader(header => header[name] = "https://attacker.example/"));
        }
    }

    private IEnumerable<(string Name, string Proof)> Keys()
    {
        yield return ("no jwk", WithHeader(header => header.Remove("jwk")));
        foreach (var json in (string[])["null", "\"x\"", "[]", "{}", "1"])
        {
            yield return ($"jwk {json}", WithHeader(header => header["jwk"] = JsonNode.Parse(json)));
        }

        foreach (var (name, value) in ((string, string?)[])[("d", "AQAB"), ("k", "AQAB"), ("kty", "oct"), ("kty", "RSA"), ("crv", "P-521"), ("crv", "secp256k1"), ("x", null), ("y", null), ("x", "AAAA"), ("alg", "ES384"), ("use", "enc")])
        {
            yield return ($"jwk {name}={value}", WithHeader(header => Set(header["jwk"]!.AsObject(), name, value)));
        }

        yield return ("jwk key_ops", WithHeader(header => header["jwk"]!["key_ops"] = new JsonArray("sign")));
        yield return ("a point off the curve", WithHeader(header => header["jwk"]!["y"] = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))));
        yield return ("another's jwk", WithHeader(header => header["jwk"] = DpopKey.Create(now).Jwk()));

        // A private key that signs rightly, and is laid open by the proof.
        var parameters = ((ECDsa)key.Key.Key).ExportParameters(includePrivateParameters: true);
        yield return ("the whole private key", WithHeader(header => header["jwk"]!["d"] = Base64Url.EncodeToString(parameters.D)));
        var secret = RandomNumberGenerator.GetBytes(32);
        var symmetric = new JsonObject { ["typ"] = "dpop+jwt", ["alg"] = "HS256", ["jwk"] = new JsonObject { ["kty"] = "oct", ["k"] = Base64Url.EncodeToString(secret) } };
        var input = $"{Encode(symmetric)}.{Encode(key.Claims(method, uri, accessToken))}";
        yield return ("a symmetric key", $"{input}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(input)))}");
        using var weak = RSA.Create(1024);
        yield return ("RSA of 1024 bits", new DpopKey(new Workers.WorkerKey(weak, "RS256"), now) { Nonce = key.Nonce }.Proof(method, uri, accessToken));
    }

    private IEnumerable<(string Name, string Proof)> Signatures()
    {
        var parts = Good().Split('.');
        var signature = Base64Url.DecodeFromChars(parts[2]);
        byte[][] others = [[], new byte[64], signature[1..], [.. signature, 0], [.. signature.Reverse()], [(byte)(signature[0] ^ 1), .. signature[1..]]];
        for (var i = 0; i < others.Length; i++)
        {
            yield return ($"signature {i}", $"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(others[i])}");
        }

        var der = ((ECDsa)key.Key.Key).SignData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        yield return ("signature in DER", $"{parts[0]}.{parts[1]}.{Base64Url.EncodeToString(der)}");
    }

    private IEnumerable<(string Name, string Proof)> Claims()
    {
        var other = method == "GET" ? "POST" : "GET";
        foreach (var htm in (string?[])[null, "", other, method.ToLowerInvariant(), "*", method + " "])
        {
            yield return ($"htm {htm}", Changed("htm", htm));
        }

        var address = new Uri(uri);
        string?[] addresses =
        [
            null, "", "/oauth/token", "https://attacker.example" + address.AbsolutePath, uri + "/", uri + "/x", uri.Replace("https", "http", StringComparison.Ordinal),
            uri.Replace("://", "://user@", StringComparison.Ordinal), address.GetLeftPart(UriPartial.Authority), $"https://localhost:1{address.AbsolutePath}", uri.ToUpperInvariant(),
        ];
        foreach (var htu in addresses)
        {
            yield return ($"htu {htu}", Changed("htu", htu));
        }

        foreach (var name in (string[])["htm", "htu", "jti", "nonce"])
        {
            yield return ($"{name} a number", Raw(name, "1"));
            yield return ($"{name} a list", Raw(name, "[]"));
        }

        foreach (var json in (string[])["null", "\"1\"", "1.5", "1e400", "-1", "true", "{}", "253402300800"])
        {
            yield return ($"iat {json}", Raw("iat", json));
        }

        foreach (var (name, seconds) in ((string, int)[])[("iat", -62), ("iat", -3600), ("iat", 32), ("iat", 3600), ("exp", -32), ("exp", -3600), ("nbf", 32), ("nbf", 3600)])
        {
            yield return ($"{name} now{seconds:+0;-0}", Raw(name, $"{now().ToUnixTimeSeconds() + seconds}"));
        }

        yield return ("no iat", Changed("iat", null));
        yield return ("no jti", Changed("jti", null));
        yield return ("jti empty", Changed("jti", ""));
        yield return ("jti too long", Changed("jti", new string('j', 257)));
        foreach (var hash in accessToken is null ? [] : (string?[])[null, "", "x", accessToken, Base64Url.EncodeToString(SHA256.HashData("another"u8))])
        {
            yield return ($"ath {hash}", Changed("ath", hash));
        }
    }

    private string WithHeader(Action<JsonObject> change)
    {
        var header = key.Header();
        change(header);
        return key.Key.Sign(header, key.Claims(method, uri, accessToken));
    }

    private string Changed(string claim, string? value) => key.Proof(method, uri, accessToken, claims => Set(claims, claim, value));

    private string Raw(string claim, string json)
    {
        var claims = key.Claims(method, uri, accessToken);
        claims.Remove(claim);
        return key.Key.Sign(key.Header().ToJsonString(), $$"""{"{{claim}}":{{json}},{{claims.ToJsonString()[1..]}}""");
    }

    private static void Set(JsonObject json, string name, string? value)
    {
        if (value is null)
        {
            json.Remove(name);
            return;
        }

        json[name] = value;
    }

    private static string Encode(JsonObject json) => Workers.WorkerKey.Encode(json.ToJsonString());
}
