using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace TokenVault.Server.Keys;

/// <summary>
/// A value that must not reach a log, a page or a store in the clear. It prints as <c>[secret]</c>, refuses to be
/// serialised, and <see cref="Reveal"/> and <see cref="RevealTo"/> are the doors that a reader can grep for.
/// </summary>
[JsonConverter(typeof(SecretConverter))]
internal sealed class Secret
{
    // One of them.
    private readonly string? _text;
    private readonly byte[]? _utf8;

    public Secret(string value) => _text = value;

    private Secret(byte[] utf8) => _utf8 = utf8;

    /// <summary>For one that only passes through: its characters are not decoded.</summary>
    /// <param name="utf8">Copied.</param>
    public static Secret FromUtf8(ReadOnlySpan<byte> utf8) => new(utf8.ToArray());

    public string Reveal() => _text ?? Encoding.UTF8.GetString(_utf8!);

    /// <summary>As a text member of the object that is being written.</summary>
    public void RevealTo(Utf8JsonWriter writer, string member)
    {
        if (_utf8 is not null)
        {
            writer.WriteString(member, _utf8);
            return;
        }

        writer.WriteString(member, _text);
    }

    /// <summary>SHA-256 of its UTF-8, in hexadecimal: tells random secrets apart, and nobody what they are.</summary>
    public string Thumbprint()
    {
        if (_utf8 is not null)
        {
            return Thumbprint(_utf8);
        }

        var lent = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetByteCount(_text!));
        try
        {
            return Thumbprint(lent.AsSpan(0, Encoding.UTF8.GetBytes(_text, lent)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(lent, clearArray: true);
        }
    }

    public override string ToString() => "[secret]";

    private static string Thumbprint(ReadOnlySpan<byte> utf8)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(utf8, hash);
        return Convert.ToHexStringLower(hash);
    }

    private sealed class SecretConverter : JsonConverter<Secret>
    {
        public override Secret Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("A secret is not serialised: seal or hash it.");

        public override void Write(Utf8JsonWriter writer, Secret value, JsonSerializerOptions options) =>
            throw new NotSupportedException("A secret is not serialised: seal or hash it.");
    }
}
