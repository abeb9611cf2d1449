namespace TokenVault.Tests.Flows.Engines;

public sealed class SqliteFlows : EngineFlows
{
    private protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}
