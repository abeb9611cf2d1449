using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace TokenVault.Client.Wire;

/// <summary>Tokens that this side signs (RFC 7515, compact form).</summary>
internal static class Jwt
{
    public const int LifeSeconds = 60;

    public static string Sign(SigningKey key, string type, Action<Utf8JsonWriter> claims, bool withPublicKey = false)
    {
        var header = Write(writer =>
        {
            writer.WriteString("alg", key.Algorithm);
            writer.WriteString("typ", type);
            if (withPublicKey)
            {
                writer.WritePropertyName("jwk");
                writer.WriteRawValue(key.PublicJwk);
            }
            else if (key.KeyId is not null)
            {
                writer.WriteString("kid", key.KeyId);
            }
        });
        var input = $"{header}.{Write(claims)}";
        return $"{input}.{Base64Url.EncodeToString(key.Sign(input))}";
    }

    /// <summary>Proves the client (RFC 7523 §3).</summary>
    public static string Assertion(SigningKey key, TokenVaultOptions options, DateTimeOffset now) => Sign(key, "JWT", writer =>
    {
        writer.WriteString("iss", options.ClientId);
        writer.WriteString("sub", options.ClientId);
        WriteRest(writer, options.Issuer, now);
    });

    /// <summary>A privileged worker's word for a user who is not present.</summary>
    public static string WorkerSubject(SigningKey key, TokenVaultOptions options, SubjectToken subject, DateTimeOffset now) =>
        Sign(key, "token-vault-req+jwt", writer =>
        {
            writer.WriteString("iss", options.ClientId);
            writer.WriteString("sub", subject.Value);
            writer.WriteString("audit_context", subject.AuditContext);
            WriteRest(writer, options.Issuer, now);
        });

    public static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>base64url(SHA-256(text)): a PKCE challenge (RFC 7636 §4.2), an <c>ath</c> (RFC 9449 §4.2).</summary>
    public static string Hash(string text) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(text)));

    private static void WriteRest(Utf8JsonWriter writer, string audience, DateTimeOffset now)
    {
        writer.WriteString("aud", audience);
        writer.WriteString("jti", Random());
        writer.WriteNumber("iat", now.ToUnixTimeSeconds());
        writer.WriteNumber("exp", now.ToUnixTimeSeconds() + LifeSeconds);
    }

    private static string Write(Action<Utf8JsonWriter> members)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        return Base64Url.EncodeToString(buffer.ToArray());
    }
}
