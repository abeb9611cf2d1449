using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.Engines;

public sealed class SqliteRequestFlows : RequestFlows
{
    private protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);

    private protected override async Task<VaultApi> ElsewhereAsync()
    {
        await Vault.RestartAsync();
        return new VaultApi(Vault.Issuer, Vault.Api.Trusted);
    }
}
