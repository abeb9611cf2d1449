using System.Threading.Channels;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

/// <summary>What an observer was told, to be waited for.</summary>
internal sealed class Changes : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<Change> _told = Channel.CreateUnbounded<Change>();
    private readonly IDisposable _watch;

    public Changes(IStorage storage) => _watch = storage.Watch(change => _told.Writer.TryWrite(change));

    public async Task<Change> NextAsync() => await _told.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>Passes over others until this one comes.</summary>
    public async Task UntilAsync(Change wanted)
    {
        while (await NextAsync() != wanted)
        {
        }
    }

    /// <summary>What has come so far.</summary>
    public List<Change> Take()
    {
        var taken = new List<Change>();
        while (_told.Reader.TryRead(out var change))
        {
            taken.Add(change);
        }

        return taken;
    }

    public void Dispose() => _watch.Dispose();
}
