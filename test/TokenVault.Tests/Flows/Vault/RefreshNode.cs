using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server;
using TokenVault.Server.Audit;
using TokenVault.Server.Connections;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A further node's refresher on a vault's store, with a spool of its own.</summary>
internal sealed class RefreshNode : IAsyncDisposable
{
    private readonly TokensetRefresher _refresher;

    /// <param name="directory">Where its spool is; null: a new place.</param>
    public RefreshNode(TestVault vault, string? directory = null)
    {
        Storage = new TamperedStorage(vault.Storage);
        Directory = directory ?? System.IO.Directory.CreateTempSubdirectory("tokenvault-node-").FullName;
        var ring = vault.Service<KeyRing>();
        var audit = vault.Service<AuditLog>();
        var sealer = new TokensetSealer(ring);
        var keeping = new RefreshKeeping(Storage, sealer, ring, NullLogger<RefreshKeeping>.Instance);
        var landing = new RefreshLanding(Storage, sealer, keeping, vault.Service<RevocationOutbox>(), audit, NullLogger<RefreshLanding>.Instance);
        Spool = new RefreshSpool(new TokenVaultOptions { DataDirectory = Directory }, ring, NullLogger<RefreshSpool>.Instance);
        Saver = new RefreshSaver(landing, Spool, vault.Clock, NullLogger<RefreshSaver>.Instance);
        var call = new RefreshCall(
            Storage, sealer, Saver, vault.Service<ProviderClient>(), audit, vault.Clock, NullLogger<RefreshCall>.Instance);
        _refresher = new TokensetRefresher(
            Storage, call, new RefreshWait(Storage, vault.Clock), Saver, vault.Clock, NullLogger<TokensetRefresher>.Instance);
    }

    public TamperedStorage Storage { get; }

    public RefreshSpool Spool { get; }

    public RefreshSaver Saver { get; }

    public string Directory { get; }

    /// <param name="stale">What the caller has read; null: what stands there now.</param>
    public async Task<RefreshResult> RefreshAsync(LoneGrant grant, Tokenset? stale = null) =>
        await _refresher.RefreshAsync(stale ?? await grant.RowAsync(), await grant.ConnectionRowAsync(), CancellationToken.None);

    public RefreshRecovery Recovery(TestVault vault) =>
        new(Storage, vault.Service<RecordCache>(), Saver, _refresher, vault.Clock, NullLogger<RefreshRecovery>.Instance);

    /// <summary>As a server that is told to stop.</summary>
    public ValueTask StopAsync() => _refresher.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        Storage.IsAway = false;
        Storage.Refuses = _ => false;

        // A test that failed may have left a call held for ever.
        await _refresher.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Saver.Dispose();
        Spool.Dispose();
    }
}
