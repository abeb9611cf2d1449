using TokenVault.Server.Storage;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A node's way to the store, which a test can cut, or use to act between two steps.</summary>
internal sealed class TamperedStorage(IStorage inner) : StorageDecorator(inner)
{
    /// <summary>Every access throws.</summary>
    public bool IsAway { get; set; }

    /// <summary>Commits that are refused although the store is there.</summary>
    public Func<Batch, bool> Refuses { get; set; } = _ => false;

    /// <summary>Called after each commit, before the caller knows of it.</summary>
    public Action<Batch> Committed { get; set; } = _ => { };

    public static bool Claims(Batch batch) => batch.Operations.OfType<AcquireLeaseOperation>().Any();

    public static bool Renews(Batch batch) => batch.Operations.OfType<RenewLeaseOperation>().Any();

    public static bool Lands(Batch batch) => batch.Operations.OfType<PutOperation>().Any();

    public override async ValueTask<CommitResult> CommitAsync(Batch batch)
    {
        if (Refuses(batch))
        {
            throw new IOException("The store is away for this commit.");
        }

        var result = await Inner.CommitAsync(batch);
        Committed(batch);
        return result;
    }

    protected override IStorage Inner => IsAway ? throw new IOException("The store is away.") : base.Inner;
}
