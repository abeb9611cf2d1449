using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>
/// Our own ways to spoil a JWT that would be accepted as it is: its form, its header, its claims, its signature. Each is made when it is
/// asked for, with a fresh name and the time of that moment, so that nothing but the one fault can be the reason of a refusal.
/// </summary>
internal sealed class NegativeVectors(WorkerKey key, Func<JsonObject> header, Func<JsonObject> payload, Func<DateTimeOffset> now)
{
    /// <summary>What is no whole number of seconds in the years that there are.</summary>
    private static readonly string[] NoDates =
    [
        "-1", "-0", "1.5", "1e9", "1E9", "1e400", "-1e400", "\"1\"", "\"\"", "null", "true", "false", "[]", "{}", "[1]", "{\"a\":1}", "253402300800", "99999999999999",
        "9223372036854775807", "9223372036854775808", "18446744073709551616", "0x10", "01", "+1", "NaN", "Infinity", "\"2030-01-02T03:04:05Z\"", "1_000", ".5", "1.",
    ];

    private static readonly string[] NoTexts = ["null", "1", "true", "[]", "{}", "[\"a\"]", "\"\"", "\" \"", "\"nobody\"", "\"\\ud800\"", "\"a\\u0000\""];

    private static readonly string[] Algorithms =
        ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS1", "RS384", "RS512", "PS384", "PS512", "ES256K", "ES384", "ES512", "EdDSA", "Ed25519", "es256", "rs256", "A128KW", "dir", "RSA-OAEP", "PBES2-HS256+A128KW"];

    /// <summary>Everything that is wrong for every purpose.</summary>
    public IEnumerable<(string Name, string Token)> All() => Form().Concat(Headers()).Concat(Signatures());

    public string Good() => key.Sign(header(), payload());

    /// <summary>A claim in each of these spellings, and, where it must be there, absent.</summary>
    public IEnumerable<(string Name, string Token)> Claim(string name, bool required, params string[] bad) =>
        bad.Concat(required ? [null] : Array.Empty<string?>()).Select(json => ($"{name}={json ?? "absent"}", key.Sign(header().ToJsonString(), Raw(payload(), name, json))));

    public IEnumerable<(string Name, string Token)> Text(string name, params string[] more) => Claim(name, required: true, [.. NoTexts, .. more]);

    /// <param name="bad">In seconds from now.</param>
    public IEnumerable<(string Name, string Token)> Date(string name, bool required, params long[] bad)
    {
        foreach (var vector in Claim(name, required, NoDates))
        {
            yield return vector;
        }

        foreach (var seconds in bad)
        {
            var date = now().ToUnixTimeSeconds() + seconds;
            yield return ($"{name}=now{seconds:+0;-0}", key.Sign(header().ToJsonString(), Raw(payload(), name, $"{date}")));
        }
    }

    public IEnumerable<(string Name, string Token)> Header(string name, params string?[] bad) =>
        bad.Select(json => ($"header {name}={json ?? "absent"}", key.Sign(Raw(header(), name, json), payload().ToJsonString())));

    private IEnumerable<(string Name, string Token)> Headers()
    {
        foreach (var alg in Algorithms.Where(alg => alg != key.Alg))
        {
            yield return Header("alg", $"\"{alg}\"").Single();
        }

        string?[] odd = [null, "null", "1", "[]", "{}", "true", $"[\"{key.Alg}\"]"];
        foreach (var vector in Header("alg", odd).Concat(Header("typ", "null", "1", "[]", "\"\\ud800\"", "\"JWE\"", "\"secevent+jwt\"", "\"logout+jwt\"", "\"at+jwt\"")))
        {
            yield return vector;
        }

        foreach (var vector in Header("kid", "\"../../etc/passwd\"", "\"' OR 1=1 --\"", "\"\"", "1", "null", "[]", $"\"{new string('k', 200)}\"", "\"unknown\"", "\"a/b\"", "\"a b\"", "\"%00\""))
        {
            yield return vector;
        }

        foreach (var name in (string[])["jku", "x5u", "x5c", "crit", "b64", "zip", "enc"])
        {
            foreach (var vector in Header(name, "\"https://attacker.example/\"", "[\"exp\"]", "true", "{}"))
            {
                yield return vector;
            }
        }

        yield return ("header with alg twice", key.Sign($$"""{"alg":"none",{{header().ToJsonString()[1..]}}""", payload().ToJsonString()));
        yield return ("payload with iss twice", key.Sign(header().ToJsonString(), $$"""{"iss":"x",{{payload().ToJsonString()[1..]}}"""));
        yield return ("payload is a list", key.Sign(header().ToJsonString(), $"[{payload().ToJsonString()}]"));
        yield return ("payload with a comment", key.Sign(header().ToJsonString(), payload().ToJsonString() + "/**/"));
        yield return ("payload with a byte order mark", key.Sign(header().ToJsonString(), "\uFEFF" + payload().ToJsonString()));
        yield return ("payload is deep", key.Sign(header().ToJsonString(), Raw(payload(), "x", string.Concat(Enumerable.Repeat("[", 40)) + string.Concat(Enumerable.Repeat("]", 40)))));
        yield return ("token too long", key.Sign(header().ToJsonString(), Raw(payload(), "x", $"\"{new string('x', 9000)}\"")));
        yield return ("header too long", key.Sign(Raw(header(), "x", $"\"{new string('x', 2100)}\""), payload().ToJsonString()));
    }

    private IEnumerable<(string Name, string Token)> Form()
    {
        foreach (var tail in (string[])["=", "==", "A", ".", ".A", " ", "\n", "%3D", "\t", "-", "~", "\u00a0"])
        {
            yield return ($"tail {tail}", Good() + tail);
            yield return ($"head {tail}", tail + Good());
            var (first, second, third) = Parts();
            yield return ($"after header {tail}", $"{first}{tail}.{second}.{third}");
            (first, second, third) = Parts();
            yield return ($"after payload {tail}", $"{first}.{second}{tail}.{third}");
        }

        var parts = Parts();
        yield return ("two parts", $"{parts.Header}.{parts.Payload}");
        yield return ("one part", parts.Header);
        yield return ("no parts", "..");
        yield return ("four parts", $"{parts.Header}.{parts.Payload}.{parts.Signature}.{parts.Signature}");
        yield return ("five parts", $"{parts.Header}.{parts.Payload}.{parts.Signature}.{parts.Payload}.{parts.Signature}");
        yield return ("no header", $".{parts.Payload}.{parts.Signature}");
        yield return ("no payload", $"{parts.Header}..{parts.Signature}");
        yield return ("swapped", $"{parts.Payload}.{parts.Header}.{parts.Signature}");
        yield return ("as JSON", $$"""{"payload":"{{parts.Payload}}","protected":"{{parts.Header}}","signature":"{{parts.Signature}}"}""");
        for (var cut = 1; cut <= 30; cut++)
        {
            yield return ($"cut by {cut}", Good()[..^cut]);
        }
    }

    private IEnumerable<(string Name, string Token)> Signatures()
    {
        var (first, second, third) = Parts();
        var signature = Base64Url.DecodeFromChars(third);
        for (var bit = 0; bit < 64; bit++)
        {
            var flipped = signature.ToArray();
            flipped[bit * 7 % flipped.Length] ^= (byte)(1 << (bit % 8));
            yield return ($"signature bit {bit}", $"{first}.{second}.{Base64Url.EncodeToString(flipped)}");
        }

        byte[][] others = [[], [0], new byte[signature.Length], [.. signature, 0], [0, .. signature], signature[1..], signature[..^1], [.. signature.Reverse()], [.. signature[32..], .. signature[..32]]];
        for (var i = 0; i < others.Length; i++)
        {
            yield return ($"signature {i}", $"{first}.{second}.{Base64Url.EncodeToString(others[i])}");
        }

        if (key.Key is ECDsa ec)
        {
            var der = ec.SignData(Encoding.ASCII.GetBytes($"{first}.{second}"), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
            yield return ("signature in DER", $"{first}.{second}.{Base64Url.EncodeToString(der)}");
        }

        yield return ("another key", WorkerKey.Create(key.Alg).Sign(header(), payload()));
        yield return ("another hash", $"{first}.{second}.{Parts().Signature}");
        foreach (var alg in (string[])["none", "None", "HS256"])
        {
            yield return ($"unsigned, {alg}", $"{WorkerKey.Encode(Raw(header(), "alg", $"\"{alg}\""))}.{second}.");
            var input = $"{WorkerKey.Encode(Raw(header(), "alg", $"\"{alg}\""))}.{second}";
            yield return ($"MAC with the public key, {alg}", $"{input}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key.Pem), Encoding.ASCII.GetBytes(input)))}");
        }
    }

    private (string Header, string Payload, string Signature) Parts()
    {
        var parts = Good().Split('.');
        return (parts[0], parts[1], parts[2]);
    }

    /// <summary>The object with one member in a spelling that need not even be JSON; null leaves it out.</summary>
    private static string Raw(JsonObject json, string name, string? value)
    {
        json.Remove(name);
        var members = json.Select(member => $"\"{member.Key}\":{member.Value!.ToJsonString()}").Concat(value is null ? [] : [$"\"{name}\":{value}"]);
        return "{" + string.Join(',', members) + "}";
    }
}
