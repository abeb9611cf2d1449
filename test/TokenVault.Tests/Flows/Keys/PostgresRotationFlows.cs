using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Tests.Needs;
using TokenVault.Tests.Storage;
using Xunit.Abstractions;

namespace TokenVault.Tests.Flows.Keys;

/// <summary>Two servers on one database, and the commands are a third node.</summary>
[NeedsPostgres]
public sealed class PostgresRotationFlows(ITestOutputHelper output) : RotationFlows(output)
{
    private readonly string _second = $"https://localhost:{LoopbackHttp.FreePort()}/";
    private PostgresDatabase _database = null!;

    private protected override IReadOnlyDictionary<string, string?> Settings =>
        new Dictionary<string, string?> { ["TokenVault:Storage:ConnectionString"] = _database.ConnectionString };

    private protected override IReadOnlyDictionary<string, string?> CommandSettings => new Dictionary<string, string?>
    {
        ["TokenVault:Storage:ConnectionString"] = _database.ConnectionString,
        ["TokenVault:Keys:RootKeyFile"] = Path.Combine(Vault.DataDirectory, "root.key"),
    };

    private protected override IReadOnlyList<string> More => [_second];

    public override async Task InitializeAsync()
    {
        _database = await PostgresDatabase.CreateAsync();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _database.DisposeAsync();
    }

    private protected override async Task<Nodes> NodesAsync()
    {
        var node = await Vault.StartNodeAsync(_second);
        return new Nodes(node.Services.GetRequiredService<KeyRing>(), node);
    }
}
