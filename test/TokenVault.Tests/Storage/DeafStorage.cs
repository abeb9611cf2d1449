using TokenVault.Server.Storage;
using TokenVault.Testing;

namespace TokenVault.Tests.Storage;

/// <summary>A node's way to the store on which no notice of changes arrives, and which counts its lists.</summary>
internal sealed class DeafStorage(IStorage inner) : StorageDecorator(inner)
{
    private int _lists;

    public int Lists => Volatile.Read(ref _lists);

    public override ValueTask<IReadOnlyList<Entity>> ListAsync(ListQuery query, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _lists);
        return Inner.ListAsync(query, cancellationToken);
    }

    public override IDisposable Watch(Action<Change> observer) => new Nothing();

    private sealed class Nothing : IDisposable
    {
        public void Dispose()
        {
        }
    }
}
