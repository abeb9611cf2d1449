using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Testing;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Flows.Engines;

[NeedsPostgres]
public sealed class PostgresRequestFlows : RequestFlows
{
    private PostgresServer _server = null!;
    private TokenVaultServer? _node;

    private protected override async Task<string?> ConnectionStringAsync()
    {
        _server = await PostgresServer.StartAsync();
        return await _server.CreateDatabaseAsync();
    }

    private protected override async Task<VaultApi> ElsewhereAsync()
    {
        var address = $"https://localhost:{LoopbackHttp.FreePort()}";
        _node = await Vault.StartNodeAsync(address);
        return new VaultApi(address + "/", Vault.Api.Trusted);
    }

    private protected override async Task RemoveNodeAsync() => await (_node?.DisposeAsync() ?? ValueTask.CompletedTask);

    private protected override async Task RemoveAsync() => await _server.DisposeAsync();
}
