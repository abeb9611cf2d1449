using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace TokenVault.Server.Keys.Jose;

/// <summary>Public keys as this server publishes them, and their names (RFC 7638).</summary>
internal static class Jwk
{
    /// <summary>SHA-256 over the required members in the order of their names, without white space (RFC 7638 §3).</summary>
    public static string Thumbprint(AsymmetricAlgorithm key)
    {
        var canonical = key switch
        {
            RSA rsa => Canonical(rsa.ExportParameters(includePrivateParameters: false)),
            ECDsa ec => Canonical(ec.ExportParameters(includePrivateParameters: false)),
            _ => throw new ArgumentException("Neither RSA nor EC.", nameof(key)),
        };
        return Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(canonical)));
    }

    /// <summary>The public key with its use, algorithm and name, as UTF-8 JSON.</summary>
    public static byte[] Write(AsymmetricAlgorithm key, string kid, string algorithm)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        switch (key)
        {
            case RSA rsa:
                var rsaKey = rsa.ExportParameters(includePrivateParameters: false);
                json.WriteString("kty", "RSA");
                json.WriteString("n", Base64Url.EncodeToString(rsaKey.Modulus));
                json.WriteString("e", Base64Url.EncodeToString(rsaKey.Exponent));
                break;
            case ECDsa ec:
                var ecKey = ec.ExportParameters(includePrivateParameters: false);
                json.WriteString("kty", "EC");
                json.WriteString("crv", CurveName(ecKey));
                json.WriteString("x", Base64Url.EncodeToString(ecKey.Q.X));
                json.WriteString("y", Base64Url.EncodeToString(ecKey.Q.Y));
                break;
            default:
                throw new ArgumentException("Neither RSA nor EC.", nameof(key));
        }

        json.WriteString("use", "sig");
        json.WriteString("alg", algorithm);
        json.WriteString("kid", kid);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static string Canonical(RSAParameters key) =>
        $$"""{"e":"{{Base64Url.EncodeToString(key.Exponent)}}","kty":"RSA","n":"{{Base64Url.EncodeToString(key.Modulus)}}"}""";

    private static string Canonical(ECParameters key) =>
        $$"""{"crv":"{{CurveName(key)}}","kty":"EC","x":"{{Base64Url.EncodeToString(key.Q.X)}}","y":"{{Base64Url.EncodeToString(key.Q.Y)}}"}""";

    private static string CurveName(ECParameters key) =>
        key.Q.X!.Length switch { 32 => "P-256", 48 => "P-384", _ => "P-521" };
}
