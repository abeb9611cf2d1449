using System.Security.Cryptography;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>Brings a ring's keys from the store into memory, or makes the first ones.</summary>
internal sealed class KeyRingSource(IStorage storage, RootKeys roots, TimeProvider time)
{
    /// <summary>How long a new key is known before it seals; every node hears of it within a second.</summary>
    public static readonly TimeSpan Announcement = TimeSpan.FromSeconds(5);

    /// <summary>On an empty store, makes the root key file, unless it is there, and the first keys.</summary>
    /// <exception cref="StartupException">The root key is missing, wrong, or not kept as it must be.</exception>
    public async Task<KeyRingSnapshot> OpenAsync(bool mayCreate, CancellationToken cancellationToken)
    {
        if ((await ListAsync(cancellationToken)).Count == 0)
        {
            if (!mayCreate)
            {
                throw new StartupException("The store holds no vault keys: no server was ever started on it.");
            }

            // Losing the race to another node is no failure: its ring is then the one to open.
            await CreateAsync(roots.LoadOrCreate());
        }

        return await ReadAsync(before: null, cancellationToken);
    }

    /// <param name="before">What is known already, and need not be unwrapped again.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <exception cref="StartupException">A key cannot be unwrapped.</exception>
    public async Task<KeyRingSnapshot> ReadAsync(KeyRingSnapshot? before, CancellationToken cancellationToken)
    {
        var stored = await ListAsync(cancellationToken);
        if (stored.Count == 0)
        {
            throw new StartupException("The store holds no vault keys any more: rows were removed; restore it from a backup.");
        }

        var keks = stored.Select(key => before?.Find(key.KekId) ?? Unwrap(key, roots.Find(key.RootKeyId))).ToList();

        // At a start, a key counts as new as long as other nodes may not have heard of it.
        var isNew = before is not null || stored[^1].CreatedAt + Announcement > time.GetUtcNow();
        return KeyRingSnapshot.Of(keks, before, isNew ? time.GetTimestamp() + Ticks(Announcement) : long.MinValue, before?.Sealing(time));
    }

    public async Task<byte[]> ReadPepperAsync(KeyRingSnapshot keys, CancellationToken cancellationToken)
    {
        var pepper = await storage.FindAsync<Pepper>(Pepper.OnlyId, cancellationToken)
            ?? throw new StartupException("The store has vault keys and no pepper: a row was removed; restore it from a backup.");
        return Envelope.TryReadKekId(pepper.Sealed, out var id)
            && keys.Find(id) is { } kek
            && Envelope.TryOpen(kek, pepper.Sealed, Pepper.Identity(), out var opened)
                ? opened
                : throw new StartupException("The stored pepper does not open: the row was changed; restore it from a backup.");
    }

    private async Task<List<VaultKey>> ListAsync(CancellationToken cancellationToken) =>
        [.. (await storage.ListAllAsync<VaultKey>(index: null, cancellationToken)).Where(key => key.RetiredAt is null).OrderBy(key => key.Generation)];

    private async Task CreateAsync(FileRootKey root)
    {
        var (stored, kek) = VaultKey.Create(generation: 1, root, time.GetUtcNow());
        var pepper = new Pepper { Sealed = Envelope.Seal(kek, RandomNumberGenerator.GetBytes(32), Pepper.Identity()) };
        await storage.CommitAsync(new Batch().Insert(stored).Insert(pepper));
    }

    private static Kek Unwrap(VaultKey stored, FileRootKey root) =>
        UnwrapKey(stored, root) is { Length: Kek.KeySize } key && string.Equals(Kek.CheckValue(key), stored.Check, StringComparison.Ordinal)
            ? new Kek(stored.KekId, key)
            : throw new StartupException($"The stored vault key {stored.Id} does not open with its root key {root.Id}: the row was changed; restore it from a backup.");

    private static byte[]? UnwrapKey(VaultKey stored, FileRootKey root)
    {
        try
        {
            return root.Unwrap(stored.Wrapped, stored.Identity());
        }
        catch (BrokenSealException)
        {
            return null;
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
