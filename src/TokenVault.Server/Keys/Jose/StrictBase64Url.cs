using System.Buffers;
using System.Buffers.Text;

namespace TokenVault.Server.Keys.Jose;

/// <summary>
/// Base64url as RFC 7515 §2 has it. The platform's decoder also takes padding, white space and stray low bits, which would
/// give one token many spellings and let it slip past a replay list (T-ST-17).
/// </summary>
internal static class StrictBase64Url
{
    private const int OnStack = 2048;

    /// <summary>False when it is not the one canonical spelling, or longer than <paramref name="to"/> holds.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> to, out int written)
    {
        if (Base64Url.DecodeFromChars(text, to, out var read, out written) != OperationStatus.Done || read != text.Length)
        {
            return false;
        }

        var size = Base64Url.GetEncodedLength(written);
        if (size != text.Length)
        {
            return false;
        }

        var again = size <= OnStack ? stackalloc char[size] : new char[size];
        return Base64Url.TryEncodeToChars(to[..written], again, out _) && text.SequenceEqual(again);
    }

    /// <summary>Null when it is not the one canonical spelling.</summary>
    public static byte[]? Decode(ReadOnlySpan<char> text)
    {
        // A remainder of one character encodes nothing.
        if (text.Length % 4 == 1)
        {
            return null;
        }

        var bytes = new byte[(text.Length / 4 * 3) + Math.Max(0, (text.Length % 4) - 1)];
        return TryDecode(text, bytes, out var written) && written == bytes.Length ? bytes : null;
    }
}
