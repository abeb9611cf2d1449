using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>
/// The vault's keys, unwrapped at start: what seals the secrets of others, and hashes and signs our own. There is no mode
/// without it (T-EN-06).
/// </summary>
internal sealed class KeyRing
{
    private const int OnStack = 1024;

    private readonly FrozenDictionary<ulong, Kek> _keks;
    private readonly Kek _current;
    private readonly byte[] _pepper;
    private readonly ConcurrentDictionary<string, byte[]> _macKeys = new(StringComparer.Ordinal);

    /// <param name="keks">In the order of their generations: the last one seals.</param>
    /// <param name="pepper">32 random bytes.</param>
    internal KeyRing(IReadOnlyList<Kek> keks, byte[] pepper)
    {
        _keks = keks.ToFrozenDictionary(kek => kek.Id);
        _current = keks[^1];
        _pepper = pepper;
    }

    /// <summary>Reads the ring from the store; on an empty store makes the root key file, unless it is there, and the ring.</summary>
    /// <exception cref="StartupException">The root key is missing, wrong, or not kept as it must be.</exception>
    public static async Task<KeyRing> OpenAsync(IStorage storage, string rootKeyFile, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            return await new KeyRingOpening(storage, rootKeyFile, time).OpenAsync(cancellationToken);
        }
        catch (CorruptRecordException e)
        {
            throw new StartupException($"The key ring cannot be read; restore it from a backup. {e.Message}", e);
        }
    }

    /// <param name="plaintext">The value.</param>
    /// <param name="aad">Identity of the owning row, from <see cref="Aad.For"/>.</param>
    public byte[] Seal(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> aad) => Envelope.Seal(_current, plaintext, aad);

    /// <exception cref="BrokenSealException">It is not what was sealed for this row with a key of this ring.</exception>
    public byte[] Open(ReadOnlySpan<byte> blob, ReadOnlySpan<byte> aad) =>
        Envelope.TryReadKekId(blob, out var id) && _keks.TryGetValue(id, out var kek) && Envelope.TryOpen(kek, blob, aad, out var plaintext)
            ? plaintext
            : throw new BrokenSealException(Aad.PurposeOf(aad));

    public byte[] SealText(Secret secret, ReadOnlySpan<byte> aad)
    {
        var text = secret.Reveal();
        var size = Encoding.UTF8.GetByteCount(text);
        var bytes = size <= OnStack ? stackalloc byte[size] : new byte[size];
        try
        {
            Encoding.UTF8.GetBytes(text, bytes);
            return Seal(bytes, aad);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <exception cref="BrokenSealException">It is not what was sealed for this row with a key of this ring.</exception>
    public Secret OpenText(ReadOnlySpan<byte> blob, ReadOnlySpan<byte> aad)
    {
        var bytes = Open(blob, aad);
        try
        {
            return new Secret(Encoding.UTF8.GetString(bytes));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>What is stored of a client secret: useless without the ring, even for a weak secret that was imported (T-CA-02).</summary>
    public string HashSecret(string secret) => Convert.ToHexStringLower(Mac("secret-hash", Encoding.UTF8.GetBytes(secret)));

    /// <param name="purpose">A constant of the program: each has its own key, which is kept.</param>
    /// <param name="data">What to authenticate.</param>
    /// <returns>HMAC-SHA256, 32 bytes.</returns>
    public byte[] Mac(string purpose, ReadOnlySpan<byte> data) =>
        HMACSHA256.HashData(_macKeys.GetOrAdd(purpose, static (name, ring) => ring.DeriveMacKey(name), this), data);

    private byte[] DeriveMacKey(string purpose)
    {
        var key = GC.AllocateArray<byte>(HMACSHA256.HashSizeInBytes, pinned: true);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _pepper, key, salt: [], info: Aad.For("mac", purpose));
        return key;
    }
}
