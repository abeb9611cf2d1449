using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace TokenVault.Server.Keys;

/// <summary>A vault key-encryption key in memory. It wraps data keys with AES-KWP (RFC 5649) and does nothing else.</summary>
internal sealed class Kek
{
    public const int KeySize = 32;
    public const int IdSize = sizeof(ulong);

    /// <summary>What RFC 5649 makes of a 32-byte key.</summary>
    public const int WrappedSize = 40;

    private readonly byte[] _key;

    /// <summary>As many as there were unwraps at once: about one a core.</summary>
    private readonly ConcurrentBag<KeyUnwrapper> _unwrappers = [];

    private UnwrappedKeys? _unwrapped;

    public Kek(ulong id, byte[] key)
    {
        if (key.Length != KeySize)
        {
            throw new ArgumentException("A vault key has 32 bytes.", nameof(key));
        }

        Id = id;
        _key = key;
    }

    /// <summary>Stands in every blob, so that the key to open it with is known and never guessed.</summary>
    public ulong Id { get; }

    /// <summary>Of the values that it is asked for.</summary>
    public UnwrappedKeys Unwrapped => LazyInitializer.EnsureInitialized(ref _unwrapped);

    public static ulong IdFrom(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64BigEndian(bytes);

    /// <summary>Tells whether a key is the one that a record speaks of, without telling the key.</summary>
    public static string CheckValue(ReadOnlySpan<byte> key) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, "tokenvault vault-kek check"u8).AsSpan(0, 8));

    public void Wrap(ReadOnlySpan<byte> dek, Span<byte> wrapped)
    {
        // An instance for each use: instances are not promised to be safe to share, and making one costs nothing beside the wrap.
        using var aes = Aes.Create();
        aes.SetKey(_key);
        aes.EncryptKeyWrapPadded(dek, wrapped);
    }

    public bool TryUnwrap(ReadOnlySpan<byte> wrapped, Span<byte> dek)
    {
        if (!_unwrappers.TryTake(out var unwrapper))
        {
            unwrapper = new KeyUnwrapper(_key);
        }

        var unwrapped = unwrapper.TryUnwrap(wrapped, dek);
        _unwrappers.Add(unwrapper);
        return unwrapped;
    }
}
