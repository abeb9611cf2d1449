using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace TokenVault.Server.Keys;

/// <summary>
/// How a value is sealed: AES-256-GCM under a random key of its own, which the vault key wraps. A blob is
/// <c>format 1 ‖ algorithm 1 ‖ vault key id 8 ‖ wrapped data key 40 ‖ commitment 16 ‖ nonce 12 ‖ ciphertext ‖ tag 16</c>.
/// The caller's identity of the row and everything before the nonce are authenticated with it. GCM alone does not bind a
/// ciphertext to one key; the commitment does.
/// </summary>
internal static class Envelope
{
    /// <summary>What binds a value to the key that it was sealed with.</summary>
    public const int CommitmentSize = 16;

    /// <summary>What sealing adds to a value.</summary>
    public const int Overhead = HeaderSize + NonceSize + TagSize;

    private const byte Format = 1;

    /// <summary>AES-256-GCM, data key wrapped by AES-KWP.</summary>
    private const byte Aes256GcmKwp = 1;

    private const int IdAt = 2;
    private const int WrappedAt = IdAt + Kek.IdSize;
    private const int CommitmentAt = WrappedAt + Kek.WrappedSize;
    private const int HeaderSize = CommitmentAt + CommitmentSize;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int OnStack = 512;

    public static byte[] Seal(Kek kek, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> aad)
    {
        var blob = new byte[checked(Overhead + plaintext.Length)];
        Span<byte> dek = stackalloc byte[Kek.KeySize];
        try
        {
            RandomNumberGenerator.Fill(dek);
            blob[0] = Format;
            blob[1] = Aes256GcmKwp;
            BinaryPrimitives.WriteUInt64BigEndian(blob.AsSpan(IdAt), kek.Id);
            kek.Wrap(dek, blob.AsSpan(WrappedAt, Kek.WrappedSize));
            Commit(dek, blob.AsSpan(CommitmentAt, CommitmentSize));
            var nonce = blob.AsSpan(HeaderSize, NonceSize);
            RandomNumberGenerator.Fill(nonce);

            var size = sizeof(int) + aad.Length + HeaderSize;
            var bound = Bind(aad, blob.AsSpan(0, HeaderSize), size <= OnStack ? stackalloc byte[size] : new byte[size]);
            using var gcm = new AesGcm(dek, TagSize);
            gcm.Encrypt(nonce, plaintext, blob.AsSpan(HeaderSize + NonceSize, plaintext.Length), blob.AsSpan(blob.Length - TagSize), bound);
            return blob;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dek);
        }
    }

    /// <summary>The vault key a blob names; false when it is no blob of a known form (T-EN-11).</summary>
    public static bool TryReadKekId(ReadOnlySpan<byte> blob, out ulong id)
    {
        id = 0;
        if (blob.Length < Overhead || blob[0] != Format || blob[1] != Aes256GcmKwp)
        {
            return false;
        }

        id = Kek.IdFrom(blob[IdAt..]);
        return true;
    }

    /// <summary>Opens a blob that names this key and has a known form.</summary>
    public static bool TryOpen(Kek kek, ReadOnlySpan<byte> blob, ReadOnlySpan<byte> aad, [NotNullWhen(true)] out byte[]? plaintext)
    {
        plaintext = null;
        Span<byte> dek = stackalloc byte[Kek.KeySize];
        try
        {
            var wrapped = blob.Slice(WrappedAt, UnwrappedKeys.NameSize);
            var known = kek.Unwrapped.TryFind(wrapped, dek);
            if (!known && !TryUnwrap(kek, blob, dek))
            {
                return false;
            }

            var size = sizeof(int) + aad.Length + HeaderSize;
            var bound = Bind(aad, blob[..HeaderSize], size <= OnStack ? stackalloc byte[size] : new byte[size]);
            var opened = TryDecrypt(dek, blob[HeaderSize..], bound, out plaintext);
            if (opened && !known)
            {
                kek.Unwrapped.Keep(wrapped, dek);
            }

            return opened;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(dek);
        }
    }

    private static bool TryUnwrap(Kek kek, ReadOnlySpan<byte> blob, Span<byte> dek)
    {
        Span<byte> commitment = stackalloc byte[CommitmentSize];
        if (!kek.TryUnwrap(blob.Slice(WrappedAt, Kek.WrappedSize), dek))
        {
            return false;
        }

        Commit(dek, commitment);
        return CryptographicOperations.FixedTimeEquals(commitment, blob.Slice(CommitmentAt, CommitmentSize));
    }

    private static bool TryDecrypt(
        ReadOnlySpan<byte> dek, ReadOnlySpan<byte> rest, ReadOnlySpan<byte> bound, [NotNullWhen(true)] out byte[]? plaintext)
    {
        var result = new byte[rest.Length - NonceSize - TagSize];
        using var gcm = new AesGcm(dek, TagSize);
        try
        {
            gcm.Decrypt(rest[..NonceSize], rest[NonceSize..^TagSize], rest[^TagSize..], result, bound);
            plaintext = result;
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            plaintext = null;
            return false;
        }
    }

    private static void Commit(ReadOnlySpan<byte> dek, Span<byte> commitment)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(dek, "commit"u8, mac);
        mac[..CommitmentSize].CopyTo(commitment);
    }

    /// <summary>The length in front keeps the caller's part and the header from running into each other.</summary>
    private static Span<byte> Bind(ReadOnlySpan<byte> aad, ReadOnlySpan<byte> header, Span<byte> to)
    {
        BinaryPrimitives.WriteInt32BigEndian(to, aad.Length);
        aad.CopyTo(to[sizeof(int)..]);
        header.CopyTo(to[(sizeof(int) + aad.Length)..]);
        return to;
    }
}
