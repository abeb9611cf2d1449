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

    /// <summary>Waited for before each commit: a store that hangs instead of failing.</summary>
    public Func<Batch, Task> Holds { get; set; } = _ => Task.CompletedTask;

    /// <summary>When not null, the store says that this node is not fit to serve, and this is told.</summary>
    public TaskCompletionSource? Unfit { get; set; }

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

        await Holds(batch);
        var result = await Inner.CommitAsync(batch);
        Committed(batch);
        return result;
    }

    public override ValueTask ProbeAsync(CancellationToken cancellationToken)
    {
        if (Unfit is not { } asked)
        {
            return base.ProbeAsync(cancellationToken);
        }

        asked.TrySetResult();
        throw new StorageUnavailableException("This node's clock differs from the database's by 3600 s.");
    }

    protected override IStorage Inner => IsAway ? throw new IOException("The store is away.") : base.Inner;
}
