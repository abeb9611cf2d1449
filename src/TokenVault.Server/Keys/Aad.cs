using System.Buffers.Binary;
using System.Text;

namespace TokenVault.Server.Keys;

/// <summary>
/// What a sealed value is bound to: a canonical, length-prefixed encoding of the purpose and the owning row's identity,
/// taken from the row being read. A value moved elsewhere does not open (T-EN-02).
/// </summary>
internal static class Aad
{
    public static byte[] For(string purpose, params ReadOnlySpan<string> identity)
    {
        var size = Size("tv1") + Size(purpose);
        foreach (var part in identity)
        {
            size += Size(part);
        }

        var aad = new byte[size];
        var rest = Write(Write(aad, "tv1"), purpose);
        foreach (var part in identity)
        {
            rest = Write(rest, part);
        }

        return aad;
    }

    /// <summary>The purpose in such an encoding, for messages; <c>unnamed</c> when it is none.</summary>
    public static string PurposeOf(ReadOnlySpan<byte> aad) =>
        TryRead(ref aad, out _) && TryRead(ref aad, out var purpose) ? Encoding.UTF8.GetString(purpose) : "unnamed";

    private static bool TryRead(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> part)
    {
        part = default;
        if (rest.Length < sizeof(int))
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(rest);
        if (length < 0 || length > rest.Length - sizeof(int))
        {
            return false;
        }

        part = rest.Slice(sizeof(int), length);
        rest = rest[(sizeof(int) + length)..];
        return true;
    }

    private static int Size(string part) => sizeof(int) + Encoding.UTF8.GetByteCount(part);

    private static Span<byte> Write(Span<byte> to, string part)
    {
        var length = Encoding.UTF8.GetBytes(part, to[sizeof(int)..]);
        BinaryPrimitives.WriteInt32BigEndian(to, length);
        return to[(sizeof(int) + length)..];
    }
}
