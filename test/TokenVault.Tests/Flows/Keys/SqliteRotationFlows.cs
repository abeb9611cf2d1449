using TokenVault.Server.Keys;
using Xunit.Abstractions;

namespace TokenVault.Tests.Flows.Keys;

/// <summary>On one box: the commands are done by the server that holds the file.</summary>
public sealed class SqliteRotationFlows(ITestOutputHelper output) : RotationFlows(output)
{
    private protected override IReadOnlyDictionary<string, string?> CommandSettings =>
        new Dictionary<string, string?> { ["TokenVault:DataDirectory"] = Vault.DataDirectory };

    private protected override Task<Nodes> NodesAsync() => Task.FromResult(new Nodes(Vault.Service<KeyRing>(), Other: null));
}
