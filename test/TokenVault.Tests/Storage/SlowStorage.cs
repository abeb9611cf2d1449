using TokenVault.Server.Storage;
using TokenVault.Testing;

namespace TokenVault.Tests.Storage;

/// <summary>A storage that counts reads, can hold one up after it has read, and can lose contact with its watchers.</summary>
internal sealed class SlowStorage(IStorage inner) : StorageDecorator(inner)
{
    private readonly List<Action<Change>> _observers = [];
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _release;
    private int _reads;

    public int Reads => _reads;

    public Task ReadIsHeld => _held.Task;

    public TaskCompletionSource HoldNextRead() => _release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void LoseContact() => _observers.ForEach(observer => observer(new Change(null, "")));

    public override async ValueTask<Entity?> FindAsync(string kind, string id, CancellationToken cancellationToken) =>
        await HoldAsync(await Inner.FindAsync(kind, id, cancellationToken));

    public override async ValueTask<Entity?> FindByKeyAsync(string kind, string keyName, string keyValue, CancellationToken cancellationToken) =>
        await HoldAsync(await Inner.FindByKeyAsync(kind, keyName, keyValue, cancellationToken));

    public override IDisposable Watch(Action<Change> observer)
    {
        _observers.Add(observer);
        return Inner.Watch(observer);
    }

    public override async ValueTask DisposeAsync()
    {
        await Inner.DisposeAsync();
        await base.DisposeAsync();
    }

    private async Task<Entity?> HoldAsync(Entity? entity)
    {
        Interlocked.Increment(ref _reads);
        if (Interlocked.Exchange(ref _release, null) is { } release)
        {
            _held.SetResult();
            await release.Task;
        }

        return entity;
    }
}
