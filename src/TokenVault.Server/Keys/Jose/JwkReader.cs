using System.Security.Cryptography;
using System.Text.Json;

namespace TokenVault.Server.Keys.Jose;

/// <summary>The strict way from a JWK (RFC 7517) to a <see cref="VerificationKey"/>.</summary>
internal static class JwkReader
{
    private const int SmallestModulus = 2048 / 8;

    // Larger keys verify so slowly that they are a way to keep the server busy.
    private const int LargestModulus = 8192 / 8;

    private static readonly string[] PrivateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

    public static VerificationKey? Read(JsonElement jwk, string alg, out string problem)
    {
        try
        {
            return ReadStrings(jwk, alg, out problem);
        }
        catch (InvalidOperationException)
        {
            problem = "a string of the key is not text";
            return null;
        }
    }

    private static VerificationKey? ReadStrings(JsonElement jwk, string alg, out string problem)
    {
        var algorithm = JwsAlgorithm.Find(alg);
        if (algorithm is null)
        {
            problem = "the algorithm is not one that is accepted";
            return null;
        }

        problem = Refusal(jwk, algorithm);
        if (problem.Length > 0)
        {
            return null;
        }

        AsymmetricAlgorithm? key = algorithm.IsRsa ? ReadRsa(jwk, out problem) : ReadEc(jwk, algorithm, out problem);
        return key is null ? null : new VerificationKey(Text(jwk, "kid"), algorithm, key);
    }

    private static string Refusal(JsonElement jwk, JwsAlgorithm algorithm)
    {
        if (jwk.ValueKind != JsonValueKind.Object || HasDuplicates(jwk))
        {
            return "the key is not an object with distinct members";
        }

        // An uploaded private key is compromised (T-PW-12).
        if (Array.Exists(PrivateMembers, name => jwk.TryGetProperty(name, out _)))
        {
            return "the key has a private or symmetric part";
        }

        if (!string.Equals(Text(jwk, "kty"), algorithm.IsRsa ? "RSA" : "EC", StringComparison.Ordinal))
        {
            return "the key's kty does not fit the algorithm";
        }

        if (jwk.TryGetProperty("alg", out _) && !string.Equals(Text(jwk, "alg"), algorithm.Name, StringComparison.Ordinal))
        {
            return "the key is for another algorithm";
        }

        if (jwk.TryGetProperty("use", out _) && !string.Equals(Text(jwk, "use"), "sig", StringComparison.Ordinal))
        {
            return "the key is not for signatures";
        }

        if (jwk.TryGetProperty("key_ops", out var operations) && !AllowsVerify(operations))
        {
            return "the key's key_ops do not allow verify";
        }

        return jwk.TryGetProperty("kid", out _) && !JwsHeader.IsKeyId(Text(jwk, "kid")) ? "the kid is not one" : "";
    }

    private static RSA? ReadRsa(JsonElement jwk, out string problem)
    {
        var modulus = Bytes(jwk, "n");
        var exponent = Bytes(jwk, "e");
        if (modulus is null || exponent is null || modulus.Length == 0 || modulus[0] == 0)
        {
            problem = "n or e is not a canonical base64url number";
            return null;
        }

        if (!exponent.AsSpan().SequenceEqual<byte>([1, 0, 1]))
        {
            problem = "the exponent is not 65537";
            return null;
        }

        // A leading octet below 128 makes a number of fewer bits than its octets could hold.
        if (modulus.Length is < SmallestModulus or > LargestModulus || (modulus.Length == SmallestModulus && modulus[0] < 0x80) || (modulus[^1] & 1) == 0)
        {
            problem = "the modulus is not an odd number of 2048 to 8192 bits";
            return null;
        }

        return Import(() => RSA.Create(new RSAParameters { Modulus = modulus, Exponent = exponent }), out problem);
    }

    private static ECDsa? ReadEc(JsonElement jwk, JwsAlgorithm algorithm, out string problem)
    {
        var x = Bytes(jwk, "x");
        var y = Bytes(jwk, "y");
        if (!string.Equals(Text(jwk, "crv"), algorithm.CurveName, StringComparison.Ordinal)
            || x?.Length != algorithm.CoordinateSize
            || y?.Length != algorithm.CoordinateSize)
        {
            problem = "the curve or the size of a coordinate does not fit the algorithm";
            return null;
        }

        // Importing refuses a point that is not on the curve.
        return Import(() => ECDsa.Create(new ECParameters { Curve = algorithm.Curve, Q = new ECPoint { X = x, Y = y } }), out problem);
    }

    private static T? Import<T>(Func<T> import, out string problem)
        where T : AsymmetricAlgorithm
    {
        try
        {
            problem = "";
            return import();
        }
        catch (CryptographicException)
        {
            problem = "the numbers are no key";
            return null;
        }
    }

    private static bool HasDuplicates(JsonElement jwk)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        return jwk.EnumerateObject().Any(member => !names.Add(member.Name));
    }

    private static bool AllowsVerify(JsonElement operations) =>
        operations.ValueKind == JsonValueKind.Array
        && operations.EnumerateArray().Any(o => o.ValueKind == JsonValueKind.String && o.ValueEquals("verify"u8));

    private static byte[]? Bytes(JsonElement jwk, string name) => Text(jwk, name) is { } text ? StrictBase64Url.Decode(text) : null;

    private static string? Text(JsonElement jwk, string name) =>
        jwk.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
}
