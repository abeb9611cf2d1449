using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TokenVault.Server.Keys;

/// <summary>
/// A value that must not reach a log, a page or a store in the clear. It prints as <c>[secret]</c>, refuses to be
/// serialised, and <see cref="Reveal"/> is the one door that a reader can grep for.
/// </summary>
[JsonConverter(typeof(SecretConverter))]
internal sealed class Secret(string value)
{
    private readonly string _value = value;

    public string Reveal() => _value;

    /// <summary>SHA-256 of its UTF-8, in hexadecimal: tells random secrets apart, and nobody what they are.</summary>
    public string Thumbprint()
    {
        var utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(_value));
        try
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(utf8.AsSpan(0, Encoding.UTF8.GetBytes(_value, utf8)), hash);
            return Convert.ToHexStringLower(hash);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(utf8, clearArray: true);
        }
    }

    public override string ToString() => "[secret]";

    private sealed class SecretConverter : JsonConverter<Secret>
    {
        public override Secret Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("A secret is not serialised: seal or hash it.");

        public override void Write(Utf8JsonWriter writer, Secret value, JsonSerializerOptions options) =>
            throw new NotSupportedException("A secret is not serialised: seal or hash it.");
    }
}
