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

    private static int Size(string part) => sizeof(int) + Encoding.UTF8.GetByteCount(part);

    private static Span<byte> Write(Span<byte> to, string part)
    {
        var length = Encoding.UTF8.GetBytes(part, to[sizeof(int)..]);
        BinaryPrimitives.WriteInt32BigEndian(to, length);
        return to[(sizeof(int) + length)..];
    }
}
