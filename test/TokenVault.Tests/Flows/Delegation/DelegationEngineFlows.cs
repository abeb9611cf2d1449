using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Testing;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Flows.Delegation;

/// <summary>What is stored of delegation, on every engine: policies and switches of clients survive a restart, traces are durable with the answer.</summary>
public abstract class DelegationEngineFlows : IAsyncLifetime
{
    private const string Calendar = "https://calendar-api.example/";
    private const string Events = "https://events-api.example/";

    private TestVault Vault { get; set; } = null!;

    public async Task InitializeAsync() =>
        Vault = await TestVault.StartAsync(new Dictionary<string, string?> { ["TokenVault:Storage:ConnectionString"] = await ConnectionStringAsync() });

    public async Task DisposeAsync()
    {
        await Vault.DisposeAsync();
        await RemoveAsync();
    }

    [Fact]
    public async Task An_exchange_its_policy_and_its_trace_outlive_a_restart()
    {
        var admin = await Operator.SignInAsync(Vault.Api, Vault.Bootstrap);
        var api = new Application(Vault.Api, await admin.CreateApiAsync(Calendar));
        await admin.CreateApiAsync(Events);
        var change = JsonNode.Parse("""{"token_exchange":{"allow_any_profile_of_type":["on_behalf_of_token_exchange"]},"agent_policy":{"connections":[],"max_lifetime":120}}""")!;
        (await admin.PatchAsync("clients/" + api.Credentials.ClientId, change)).Status.ShouldBe(200);
        var app = new Application(Vault.Api, await admin.CreateApplicationAsync("Application"));
        await admin.CreateUserAsync("ada@example.com", "correct horse battery");
        var token = (await app.SignInAsync(Vault.NewBrowser(), "ada@example.com", "correct horse battery", Calendar, "openid read:calendar"))["access_token"]!;
        ((int)(await DelegationScene.ExchangeAsync(api, token)).Json["expires_in"]!).ShouldBe(120);

        await Vault.RestartAsync();
        var answer = await DelegationScene.ExchangeAsync(api, token);
        answer.ShouldBeExchanged();
        ((int)answer.Json["expires_in"]!).ShouldBe(120);
        var rows = await Vault.Storage.ReadAuditAsync(0, 1_000, CancellationToken.None);
        rows.Count(row => (string?)JsonNode.Parse(row.Body)!["type"] == "success_on_behalf_of_token_exchange").ShouldBe(2);
        var stored = await (await Operator.SignInAsync(Vault.Api, Vault.Bootstrap)).GetAsync("clients/" + api.Credentials.ClientId);
        stored.Json["agent_policy"]!.ToJsonString().ShouldBe(change["agent_policy"]!.ToJsonString());
    }

    /// <summary>Null: the default engine.</summary>
    private protected abstract Task<string?> ConnectionStringAsync();

    private protected virtual Task RemoveAsync() => Task.CompletedTask;
}

public sealed class SqliteDelegation : DelegationEngineFlows
{
    private protected override Task<string?> ConnectionStringAsync() => Task.FromResult<string?>(null);
}

[NeedsPostgres]
public sealed class PostgresDelegation : DelegationEngineFlows
{
    private PostgresServer _server = null!;

    private protected override async Task<string?> ConnectionStringAsync()
    {
        _server = await PostgresServer.StartAsync();
        return await _server.CreateDatabaseAsync();
    }

    private protected override async Task RemoveAsync() => await _server.DisposeAsync();
}
