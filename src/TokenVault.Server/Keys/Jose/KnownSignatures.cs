using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace TokenVault.Server.Keys.Jose;

/// <summary>
/// Signatures that were verified before. The same characters stay the same key's work, and a token comes many times while it lives. No more
/// than that is taken as known: its key is looked up each time and has to be the very record that verified it, so that a key that is revoked
/// or replaced verifies nothing any more (T-ST-11), and what the token says is judged anew. Kept by their hash, for tokens are secrets.
/// </summary>
internal sealed class KnownSignatures
{
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<Digest, (VerificationKey Key, VerifiedJws Jws)> _known = new();

    /// <summary>As <see cref="VerifiedJws.Verify"/>.</summary>
    public VerifiedJws? Verify(string token, Func<string?, VerificationKey?> keyByKid, out string problem)
    {
        if (Encoding.UTF8.GetByteCount(token) > VerifiedJws.LongestToken)
        {
            return VerifiedJws.Verify(token, keyByKid, out problem);
        }

        var digest = Digest.Of(token);
        if (_known.TryGetValue(digest, out var known) && ReferenceEquals(keyByKid(known.Jws.Header.KeyId), known.Key))
        {
            problem = "";
            return known.Jws;
        }

        VerificationKey? key = null;
        var jws = VerifiedJws.Verify(token, kid => key = keyByKid(kid), out problem);
        if (jws is not null)
        {
            Keep(digest, key!, jws.WithTextsOf(key!));
        }

        return jws;
    }

    private void Keep(Digest digest, VerificationKey key, VerifiedJws jws)
    {
        _known[digest] = (key, jws);
        if (_known.Count <= Most)
        {
            return;
        }

        // Any of them: what is in use comes back.
        foreach (var (old, _) in _known.Take(Most / 16))
        {
            _known.TryRemove(old, out _);
        }
    }

    /// <summary>SHA-256.</summary>
    private readonly record struct Digest(ulong A, ulong B, ulong C, ulong D)
    {
        public static Digest Of(string token)
        {
            Span<byte> text = stackalloc byte[Encoding.UTF8.GetByteCount(token)];
            Encoding.UTF8.GetBytes(token, text);
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(text, hash);
            return new Digest(
                BinaryPrimitives.ReadUInt64LittleEndian(hash),
                BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(hash[16..]),
                BinaryPrimitives.ReadUInt64LittleEndian(hash[24..]));
        }
    }
}
