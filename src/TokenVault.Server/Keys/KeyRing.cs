using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>
/// The vault's keys, unwrapped in memory: what seals the secrets of others, and hashes and signs our own. There is no mode without it
/// (T-EN-06). It follows the store: a key that was added on any node opens here within a second. Sealing and opening take no lock.
/// </summary>
internal sealed class KeyRing : IAsyncDisposable
{
    private const int OnStack = 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    private readonly byte[] _pepper;
    private readonly TimeProvider _time;
    private readonly KeyRingSource? _source;
    private readonly ChangeFollower? _follower;
    private readonly SemaphoreSlim _reloading = new(1);
    private readonly ConcurrentDictionary<string, MacKey> _macKeys = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private KeyRingSnapshot _keys;
    private Task _look = Task.CompletedTask;
    private long? _lookedAt;

    /// <summary>A ring of fixed keys.</summary>
    /// <param name="keks">In the order of their generations: the last one seals.</param>
    /// <param name="pepper">32 random bytes.</param>
    internal KeyRing(IReadOnlyList<Kek> keks, byte[] pepper)
    {
        _keys = KeyRingSnapshot.Of(keks, before: null, sealsFrom: long.MinValue);
        _pepper = pepper;
        _time = TimeProvider.System;
    }

    private KeyRing(IStorage storage, KeyRingSource source, KeyRingSnapshot keys, byte[] pepper, TimeProvider time)
    {
        _source = source;
        _keys = keys;
        _pepper = pepper;
        _time = time;
        _follower = new ChangeFollower(storage, VaultKey.Kind, ReloadAsync, time);
    }

    /// <summary>Why a change of the keys could not be read yet; null when the ring is fresh.</summary>
    public Exception? Staleness => _follower?.Staleness;

    /// <summary>The vault key that seals now.</summary>
    public ulong SealingId => Volatile.Read(ref _keys).Sealing(_time).Id;

    /// <summary>Reads the ring from the store; on an empty store makes the root key file, unless it is there, and the ring.</summary>
    /// <exception cref="StartupException">The root key is missing, wrong, or not kept as it must be.</exception>
    public static async Task<KeyRing> OpenAsync(
        IStorage storage, RootKeys roots, TimeProvider time, CancellationToken cancellationToken, bool mayCreate = true)
    {
        try
        {
            var source = new KeyRingSource(storage, roots, time);
            var keys = await source.OpenAsync(mayCreate, cancellationToken);
            var ring = new KeyRing(storage, source, keys, await source.ReadPepperAsync(keys, cancellationToken), time);

            // Once more, now that changes are watched for: none may fall between the two.
            await ring.ReloadAsync(cancellationToken);
            ring._follower!.Start();
            return ring;
        }
        catch (CorruptRecordException e)
        {
            throw new StartupException($"The key ring cannot be read; restore it from a backup. {e.Message}", e);
        }
    }

    /// <param name="plaintext">The value.</param>
    /// <param name="aad">Identity of the owning row, from <see cref="Aad.For"/>.</param>
    public byte[] Seal(ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> aad) =>
        Envelope.Seal(Volatile.Read(ref _keys).Sealing(_time), plaintext, aad);

    /// <summary>Opens what was stored. A key that this node has not heard of is looked for in the store, once for all who need it.</summary>
    /// <exception cref="BrokenSealException">It is not what was sealed for this row with a key of this ring.</exception>
    public byte[] Open(ReadOnlySpan<byte> blob, ReadOnlySpan<byte> aad) =>
        Envelope.TryReadKekId(blob, out var id) && (Find(id) ?? LookFor(id)) is { } kek && Envelope.TryOpen(kek, blob, aad, out var plaintext)
            ? plaintext
            : throw new BrokenSealException(Aad.PurposeOf(aad));

    /// <summary>Opens what came from outside: anybody may have made it, so an unknown key is not worth a look into the store.</summary>
    /// <exception cref="BrokenSealException">It is not what was sealed with a key of this ring.</exception>
    public byte[] OpenForeign(ReadOnlySpan<byte> blob, ReadOnlySpan<byte> aad) =>
        Envelope.TryReadKekId(blob, out var id) && Find(id) is { } kek && Envelope.TryOpen(kek, blob, aad, out var plaintext)
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
    public byte[] Mac(string purpose, ReadOnlySpan<byte> data) => Mac(purpose, data, []);

    /// <summary>As <see cref="Mac(string, ReadOnlySpan{byte})"/>, of both parts as if they were one.</summary>
    public byte[] Mac(string purpose, ReadOnlySpan<byte> data, ReadOnlySpan<byte> rest) =>
        _macKeys.GetOrAdd(purpose, static (name, ring) => new MacKey(ring.DeriveMacKey(name)), this).Of(data, rest);

    /// <summary>Reads the keys again; one at a time, so that an older read never replaces a newer one.</summary>
    /// <exception cref="StartupException">A new key cannot be unwrapped; the ring stays as it was.</exception>
    public async Task ReloadAsync(CancellationToken cancellationToken)
    {
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            Volatile.Write(ref _keys, await _source!.ReadAsync(_keys, cancellationToken));
        }
        finally
        {
            _reloading.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_follower is not null)
        {
            await _follower.DisposeAsync();
        }
    }

    private Kek? Find(ulong id) => Volatile.Read(ref _keys).Find(id);

    /// <summary>
    /// A node that stood still while a key was added may meet the key before the notice of it. Rare enough to wait on the spot, and at
    /// most one read a second.
    /// </summary>
    private Kek? LookFor(ulong id)
    {
        if (_source is null)
        {
            return null;
        }

        Task look;
        lock (_gate)
        {
            if (_look.IsCompleted && (_lookedAt is not { } at || _time.GetElapsedTime(at) >= BetweenLooks))
            {
                _lookedAt = _time.GetTimestamp();

                // On a thread of its own: those of the pool may all be waiting here.
                _look = Task.Factory.StartNew(Look, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            }

            look = _look;
        }

        look.Wait(Patience);
        return Find(id);
    }

    private void Look()
    {
        try
        {
            ReloadAsync(CancellationToken.None).Wait(Patience);
        }
        catch (AggregateException)
        {
            // What went wrong with the read is no concern of the value that was looked for: its key is still unknown.
        }
    }

    private byte[] DeriveMacKey(string purpose)
    {
        var key = GC.AllocateArray<byte>(HMACSHA256.HashSizeInBytes, pinned: true);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _pepper, key, salt: [], info: Aad.For("mac", purpose));
        return key;
    }
}
