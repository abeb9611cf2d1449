using System.Buffers;
using System.Collections.Frozen;
using System.Text.Json;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>
/// The keys this server signs with, in memory. A change on another node is read in the background; the snapshot in use is
/// always whole.
/// </summary>
internal sealed class SigningKeys : IAsyncDisposable
{
    /// <summary>The one that every verifier knows comes first.</summary>
    public static readonly IReadOnlyList<string> Algorithms = ["RS256", "ES256"];

    private readonly IStorage _storage;
    private readonly KeyRing _ring;
    private readonly KeyPairMaker _maker;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _reloading = new(1);
    private readonly ChangeFollower _follower;
    private Snapshot _snapshot = Snapshot.Empty;

    private SigningKeys(IStorage storage, KeyRing ring, KeyPairMaker maker, TimeProvider time)
    {
        _storage = storage;
        _ring = ring;
        _maker = maker;
        _time = time;
        _follower = new ChangeFollower(storage, SigningKey.Kind, ReloadAsync, time);
    }

    /// <summary>The key set to publish (RFC 7517 §5), as UTF-8 JSON: of each algorithm the current, next and previous keys.</summary>
    public ReadOnlyMemory<byte> Jwks => Volatile.Read(ref _snapshot).Jwks;

    /// <summary>Why the last change could not be read yet; null when the snapshot is fresh. It is tried again every second.</summary>
    public Exception? Staleness => _follower.Staleness;

    /// <summary>Reads the keys; makes a current and a next one for every algorithm that has none.</summary>
    /// <exception cref="StartupException">A stored key does not open.</exception>
    public static async Task<SigningKeys> OpenAsync(
        IStorage storage, KeyRing ring, KeyPairMaker maker, TimeProvider time, CancellationToken cancellationToken)
    {
        var keys = new SigningKeys(storage, ring, maker, time);
        try
        {
            await keys.CreateMissingAsync(cancellationToken);
            await keys.ReloadAsync(cancellationToken);
        }
        catch (Exception e) when (e is BrokenSealException or CorruptRecordException)
        {
            await keys.DisposeAsync();
            throw new StartupException($"A stored signing key cannot be used; restore it from a backup. {e.Message}", e);
        }
        catch
        {
            await keys.DisposeAsync();
            throw;
        }

        keys._follower.Start();
        return keys;
    }

    /// <exception cref="ArgumentException">There is no such algorithm here.</exception>
    public JwsSigner Current(string alg) =>
        Volatile.Read(ref _snapshot).Current.TryGetValue(alg, out var signer)
            ? signer
            : throw new ArgumentException($"There is no signing key for '{alg}'.", nameof(alg));

    /// <summary>The current, next or previous key of this name; null for a revoked one.</summary>
    public VerificationKey? Find(string kid) => Volatile.Read(ref _snapshot).Verifiers.GetValueOrDefault(kid);

    /// <summary>The next key becomes the current one, the current a previous one, and there is a new next one.</summary>
    /// <exception cref="ArgumentException">There is no such algorithm here.</exception>
    /// <param name="row">The audit row of the request that asked for it, for the same commit.</param>
    public async Task RotateAsync(string alg, CancellationToken cancellationToken, AuditRow? row = null)
    {
        var stored = await _storage.ListAllAsync<SigningKey>(index: null, cancellationToken);
        var current = stored.Find(key => key.Alg == alg && key.State == SigningKeyState.Current);
        var next = stored.Find(key => key.Alg == alg && key.State == SigningKeyState.Next);
        if (current is null || next is null)
        {
            throw new ArgumentException($"There is no signing key for '{alg}'.", nameof(alg));
        }

        // A conflict means that another node has just rotated: once is what was asked for.
        var now = _time.GetUtcNow();
        await _storage.CommitAsync(With(row, new Batch()
            .Replace(current with { State = SigningKeyState.Previous, RetiredAt = now })
            .Replace(next with { State = SigningKeyState.Current, CurrentSince = now })
            .Insert(SigningKeyPair.Create(alg, SigningKeyState.Next, _ring, _maker, now))));
        await ReloadAsync(cancellationToken);
    }

    /// <summary>Withdraws a previous key: what it signed verifies no more. False for any other key; those are rotated first.</summary>
    /// <param name="row">The audit row of the request that asked for it, for the same commit.</param>
    public async Task<bool> RevokeAsync(string kid, CancellationToken cancellationToken, AuditRow? row = null)
    {
        var key = await _storage.FindAsync<SigningKey>(kid, cancellationToken);
        if (key is not { State: SigningKeyState.Previous })
        {
            return false;
        }

        var result = await _storage.CommitAsync(With(row, new Batch().Replace(
            key with { State = SigningKeyState.Revoked, RevokedAt = _time.GetUtcNow() })));
        await ReloadAsync(cancellationToken);
        return result.Committed;
    }

    /// <summary>The key as a certificate; null for a revoked one and for one that has none.</summary>
    public SigningCertificate? CertificateOf(SigningKey key) =>
        Volatile.Read(ref _snapshot).Pairs.GetValueOrDefault(key.Id)?.Certificate.Value;

    private static Batch With(AuditRow? row, Batch batch) => row is null ? batch : batch.Append(row);

    /// <summary>New keys sign from now on, and everything that was signed so far verifies no more.</summary>
    /// <returns>How many keys were withdrawn.</returns>
    public async Task<int> ReplaceAllAsync(CancellationToken cancellationToken)
    {
        // Twice: the next key may have signed already, in a time that a restored store knows nothing of.
        foreach (var alg in Algorithms.Concat(Algorithms))
        {
            await RotateAsync(alg, cancellationToken);
        }

        var withdrawn = 0;
        foreach (var key in await _storage.ListAllAsync<SigningKey>(index: null, cancellationToken))
        {
            withdrawn += key.State == SigningKeyState.Previous && await RevokeAsync(key.Id, cancellationToken) ? 1 : 0;
        }

        return withdrawn;
    }

    public async ValueTask DisposeAsync()
    {
        await _follower.DisposeAsync();
        _reloading.Dispose();
    }

    private async Task CreateMissingAsync(CancellationToken cancellationToken)
    {
        var stored = await _storage.ListAllAsync<SigningKey>(index: null, cancellationToken);
        foreach (var alg in Algorithms.Where(alg => !stored.Exists(key => key.Alg == alg && key.State == SigningKeyState.Current)))
        {
            // When another node was quicker, its keys are the ones.
            var now = _time.GetUtcNow();
            await _storage.CommitAsync(new Batch()
                .Insert(SigningKeyPair.Create(alg, SigningKeyState.Current, _ring, _maker, now))
                .Insert(SigningKeyPair.Create(alg, SigningKeyState.Next, _ring, _maker, now)));
        }
    }

    /// <summary>One at a time, so that an older read never replaces a newer one.</summary>
    private async Task ReloadAsync(CancellationToken cancellationToken)
    {
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            var stored = await _storage.ListAllAsync<SigningKey>(index: null, cancellationToken);
            Volatile.Write(ref _snapshot, Snapshot.Of(stored, _snapshot, _ring));
        }
        finally
        {
            _reloading.Release();
        }
    }

    private sealed record Snapshot(
        FrozenDictionary<string, SigningKeyPair> Pairs,
        FrozenDictionary<string, JwsSigner> Current,
        FrozenDictionary<string, VerificationKey> Verifiers,
        ReadOnlyMemory<byte> Jwks)
    {
        public static readonly Snapshot Empty = new(
            FrozenDictionary<string, SigningKeyPair>.Empty,
            FrozenDictionary<string, JwsSigner>.Empty,
            FrozenDictionary<string, VerificationKey>.Empty,
            ReadOnlyMemory<byte>.Empty);

        public static Snapshot Of(List<SigningKey> stored, Snapshot before, KeyRing ring)
        {
            // The current RS256 key comes first: some clients look no further.
            var published = stored
                .Where(key => key.State != SigningKeyState.Revoked)
                .OrderBy(key => Algorithms.Index().First(known => known.Item == key.Alg).Index)
                .ThenBy(key => key.State switch { SigningKeyState.Current => 0, SigningKeyState.Next => 1, _ => 2 })
                .ThenByDescending(key => key.RetiredAt)
                .ToList();
            var pairs = published.ToFrozenDictionary(
                key => key.Id,
                key => before.Pairs.GetValueOrDefault(key.Id) ?? SigningKeyPair.Open(key, ring));
            return new Snapshot(
                pairs,
                published.Where(key => key.State == SigningKeyState.Current).ToFrozenDictionary(key => key.Alg, key => pairs[key.Id].Signer),
                pairs.ToFrozenDictionary(pair => pair.Key, pair => pair.Value.Verifier),
                Write(published.Select(key => pairs[key.Id].Jwk)));
        }

        private static byte[] Write(IEnumerable<byte[]> keys)
        {
            var buffer = new ArrayBufferWriter<byte>();
            using var json = new Utf8JsonWriter(buffer);
            json.WriteStartObject();
            json.WriteStartArray("keys");
            foreach (var key in keys)
            {
                json.WriteRawValue(key);
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.Flush();
            return buffer.WrittenSpan.ToArray();
        }
    }
}
