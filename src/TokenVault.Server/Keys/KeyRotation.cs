using TokenVault.Server.Audit;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>Makes a new vault key, or puts all vault keys under a new root key.</summary>
internal sealed class KeyRotation(IStorage storage, KeyRing ring, RootKeys roots, AuditLog audit, TimeProvider time)
{
    /// <exception cref="StartupException">Somebody else did so at the same moment; or what <see cref="TryRotateAsync"/> throws.</exception>
    public async Task<VaultKey> RotateAsync(CancellationToken cancellationToken) =>
        await TryRotateAsync(key => Row($"Make vault key {key.Id}"), cancellationToken)
        ?? throw new StartupException("The vault keys were changed by somebody else at the same moment: see keys list.");

    /// <summary>The new key is known to every node before it seals; what older keys sealed is re-wrapped afterwards.</summary>
    /// <returns>Null when somebody else did so at the same moment.</returns>
    /// <exception cref="StartupException">The root key that the vault keys are wrapped by is not in its place.</exception>
    public async Task<VaultKey?> TryRotateAsync(Func<VaultKey, AuditRow> told, CancellationToken cancellationToken)
    {
        var newest = (await ListAsync(cancellationToken)).MaxBy(key => key.Generation)!;
        var (key, _) = VaultKey.Create(newest.Generation + 1, roots.Find(newest.RootKeyId), time.GetUtcNow());
        var result = await storage.CommitAsync(new Batch().Require(newest).Insert(key).Append(told(key)));
        if (!result.Committed)
        {
            return null;
        }

        await ring.ReloadAsync(cancellationToken);
        return key;
    }

    /// <summary>One commit: there is no moment in which some keys need the one root key and some the other.</summary>
    /// <exception cref="StartupException">The root key file holds the key in use, or its predecessor is not in its place.</exception>
    public async Task<RootRotation> RotateRootAsync(CancellationToken cancellationToken)
    {
        var keys = (await ListAsync(cancellationToken)).Where(key => key.RetiredAt is null).ToList();
        var former = keys.MaxBy(key => key.Generation)!.RootKeyId;
        var root = roots.Load();
        var foreign = keys.Where(key => key.RootKeyId != root.Id).ToList();
        if (foreign.Count == 0)
        {
            throw new StartupException(
                $"The root key file '{roots.File}' holds the key that is in use, {root.Id}: move it to '{roots.PreviousFile}', "
                + "put the new one in its place, and say this again.");
        }

        var batch = new Batch().Append(Row($"Put {foreign.Count} vault keys under root key {root.Id}"));
        foreach (var key in foreign)
        {
            batch.Replace(Moved(key, root));
        }

        return (await storage.CommitAsync(batch)).Committed
            ? new RootRotation(former, root.Id, foreign.Count)
            : throw new StartupException("The vault keys were changed by somebody else at the same moment: see keys list.");
    }

    private VaultKey Moved(VaultKey key, FileRootKey root)
    {
        try
        {
            return key.Under(root, roots.Find(key.RootKeyId));
        }
        catch (BrokenSealException e)
        {
            throw new StartupException($"The stored vault key {key.Id} does not open with its root key {key.RootKeyId}: the row was changed; restore it from a backup.", e);
        }
    }

    private async Task<List<VaultKey>> ListAsync(CancellationToken cancellationToken) =>
        await storage.ListAllAsync<VaultKey>(index: null, cancellationToken);

    private AuditRow Row(string description) => audit.Row(new AuditEvent { Type = AuditType.ManagementWrite, Description = description });
}

/// <summary>What a change of the root key came to.</summary>
internal sealed record RootRotation(string From, string To, int VaultKeys);
