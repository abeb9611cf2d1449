using System.Globalization;
using System.Security.Cryptography;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>Brings a ring from the store into memory, or makes the first one.</summary>
internal sealed class KeyRingOpening(IStorage storage, string rootKeyFile, TimeProvider time)
{
    private const string IdPrefix = "vk_";

    /// <exception cref="StartupException">The root key is missing, wrong, or not kept as it must be.</exception>
    public async Task<KeyRing> OpenAsync(CancellationToken cancellationToken)
    {
        var stored = await storage.ListAllAsync<VaultKey>(index: null, cancellationToken);
        if (stored.Count == 0)
        {
            // Losing the race to another node is no failure: its ring is then the one to open.
            await CreateAsync(File.Exists(rootKeyFile) ? FileRootKey.Load(rootKeyFile) : FileRootKey.Create(rootKeyFile));
            stored = await storage.ListAllAsync<VaultKey>(index: null, cancellationToken);
        }

        var root = LoadRoot(stored);
        var keks = stored.OrderBy(key => key.Generation).Select(key => Unwrap(key, root)).ToList();
        return await WithPepperAsync(keks, cancellationToken);
    }

    private FileRootKey LoadRoot(List<VaultKey> stored)
    {
        var needed = stored.MaxBy(key => key.Generation)!.RootKeyId;
        if (!File.Exists(rootKeyFile))
        {
            throw new StartupException($"The store needs root key {needed}, and there is no root key file '{rootKeyFile}'; put it back, nothing opens without it.");
        }

        var root = FileRootKey.Load(rootKeyFile);
        var foreign = stored.Find(key => !string.Equals(key.RootKeyId, root.Id, StringComparison.Ordinal));
        return foreign is null
            ? root
            : throw new StartupException($"The store needs root key {foreign.RootKeyId}, and the root key file '{rootKeyFile}' holds {root.Id}.");
    }

    private async Task CreateAsync(FileRootKey root)
    {
        Span<byte> idBytes = stackalloc byte[Kek.IdSize];
        RandomNumberGenerator.Fill(idBytes);
        var key = GC.AllocateArray<byte>(Kek.KeySize, pinned: true);
        RandomNumberGenerator.Fill(key);
        var unwrapped = new VaultKey
        {
            Id = IdPrefix + Convert.ToHexStringLower(idBytes),
            Generation = 1,
            RootKeyId = root.Id,
            Wrapped = [],
            Check = Kek.CheckValue(key),
            CreatedAt = time.GetUtcNow(),
        };
        var pepper = new Pepper { Sealed = Envelope.Seal(new Kek(Kek.IdFrom(idBytes), key), RandomNumberGenerator.GetBytes(32), Pepper.Identity()) };
        var vaultKey = unwrapped with { Wrapped = root.Wrap(key, unwrapped.Identity()) };
        await storage.CommitAsync(new Batch().Insert(vaultKey).Insert(pepper));
    }

    private static Kek Unwrap(VaultKey stored, FileRootKey root) =>
        stored.Id.StartsWith(IdPrefix, StringComparison.Ordinal)
        && ulong.TryParse(stored.Id.AsSpan(IdPrefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id)
        && UnwrapKey(stored, root) is { Length: Kek.KeySize } key
        && string.Equals(Kek.CheckValue(key), stored.Check, StringComparison.Ordinal)
            ? new Kek(id, key)
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

    private async Task<KeyRing> WithPepperAsync(List<Kek> keks, CancellationToken cancellationToken)
    {
        var pepper = await storage.FindAsync<Pepper>(Pepper.OnlyId, cancellationToken)
            ?? throw new StartupException("The store has vault keys and no pepper: a row was removed; restore it from a backup.");
        try
        {
            // The ring has no pepper yet, and opens without one.
            return new KeyRing(keks, new KeyRing(keks, []).Open(pepper.Sealed, Pepper.Identity()));
        }
        catch (BrokenSealException e)
        {
            throw new StartupException("The stored pepper does not open: the row was changed; restore it from a backup.", e);
        }
    }
}
