using System.Buffers.Binary;
using System.Security.Cryptography;

namespace TokenVault.Server.Keys;

/// <summary>
/// AES-KWP unwrap (RFC 5649 §4.2) of a 32-byte key. The framework's makes a cipher anew for each of the 24 blocks, which costs ten times
/// as much as the blocks do; this one keeps its cipher. For one thread at a time.
/// </summary>
internal sealed class KeyUnwrapper : IDisposable
{
    /// <summary>The alternative initial value, with the length of the key (RFC 5649 §3).</summary>
    private const ulong InitialValue = 0xA65959A6_00000000 | Kek.KeySize;

    private const int HalfBlock = 8;
    private const int Parts = Kek.KeySize / HalfBlock;
    private const int Rounds = 6;

    private readonly Aes _aes = Aes.Create();
    private readonly ICryptoTransform _cipher;
    private readonly byte[] _block = new byte[2 * HalfBlock];

    public KeyUnwrapper(byte[] key)
    {
        _aes.Mode = CipherMode.ECB;
        _aes.Padding = PaddingMode.None;
        _aes.SetKey(key);
        _cipher = _aes.CreateDecryptor();
    }

    /// <param name="wrapped">Of <see cref="Kek.WrappedSize"/>.</param>
    /// <param name="key">Of <see cref="Kek.KeySize"/>; zeros when it returns false.</param>
    public bool TryUnwrap(ReadOnlySpan<byte> wrapped, Span<byte> key)
    {
        // RFC 3394 §2.2.2, with the names used there: A is the integrity check, R the key as it comes into being.
        var a = BinaryPrimitives.ReadUInt64BigEndian(wrapped);
        wrapped[HalfBlock..].CopyTo(key);
        for (var t = (ulong)(Rounds * Parts); t > 0; t--)
        {
            var r = key.Slice((int)((t - 1) % Parts) * HalfBlock, HalfBlock);
            BinaryPrimitives.WriteUInt64BigEndian(_block, a ^ t);
            r.CopyTo(_block.AsSpan(HalfBlock));
            _cipher.TransformBlock(_block, 0, _block.Length, _block, 0);
            a = BinaryPrimitives.ReadUInt64BigEndian(_block);
            _block.AsSpan(HalfBlock).CopyTo(r);
        }

        CryptographicOperations.ZeroMemory(_block);
        if (a == InitialValue)
        {
            return true;
        }

        CryptographicOperations.ZeroMemory(key);
        return false;
    }

    public void Dispose()
    {
        _cipher.Dispose();
        _aes.Dispose();
    }
}
