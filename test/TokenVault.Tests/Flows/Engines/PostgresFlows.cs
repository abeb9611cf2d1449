using System.Diagnostics;
using System.Net;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Testing;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Flows.Engines;

[NeedsPostgres]
public sealed class PostgresFlows : EngineFlows
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private PostgresServer _server = null!;
    private string _database = null!;

    [Fact]
    public async Task A_second_node_serves_the_same_tokens_and_forgets_a_removed_client_within_a_second()
    {
        var address = $"https://localhost:{LoopbackHttp.FreePort()}";
        await using var node = await Vault.StartNodeAsync(address);
        var refreshToken = await ConnectAsync();
        var first = await ExchangeAsync(refreshToken, 200);

        (await ExchangeAtAsync(address, refreshToken)).ShouldBe(HttpStatusCode.OK);
        Vault.Clock.Advance(TimeSpan.FromSeconds(3601));
        (await ExchangeAtAsync(address, refreshToken)).ShouldBe(HttpStatusCode.OK);
        (await ExchangeAsync(refreshToken, 200))["access_token"].ShouldNotBe(first["access_token"]);
        Provider.Refresh.Calls.ShouldBe(1);

        var admin = await Operator.SignInAsync(Vault.Api, Vault.Bootstrap);
        (await admin.DeleteAsync("clients/" + App.Credentials.ClientId)).Status.ShouldBe(204);
        var start = Stopwatch.GetTimestamp();
        await EventuallyAsync(async () => await ExchangeAtAsync(address, refreshToken) == HttpStatusCode.Unauthorized);
        Stopwatch.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task F_08_While_the_database_is_away_nothing_is_handed_out_and_readiness_is_false_and_then_service_resumes()
    {
        var refreshToken = await ConnectAsync();
        await ExchangeAsync(refreshToken, 200);
        (await HealthAsync("ready")).ShouldBe(HttpStatusCode.OK);

        await _server.CrashAsync();
        (await HealthAsync("ready")).ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await HealthAsync("live")).ShouldBe(HttpStatusCode.OK);
        var refused = await ExchangeAsync(refreshToken, 503);
        refused["reason"].ShouldBe("temporarily_unavailable");
        refused.Text.ShouldNotContain(_database);

        await _server.StartAgainAsync();
        await EventuallyAsync(async () => await HealthAsync("ready") == HttpStatusCode.OK);
        await ExchangeAsync(refreshToken, 200);
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_keeps_the_server_from_starting_and_is_named_without_its_password()
    {
        var settings = new Dictionary<string, string?> { ["TokenVault:Storage:ConnectionString"] = "Host=127.0.0.1;Port=1;Database=vault;Password=s3cr3t" };
        var refusal = await Should.ThrowAsync<StartupException>(() => TestVault.StartAsync(settings));
        refusal.Message.ShouldStartWith("The database 'vault' at 127.0.0.1:1 cannot be used");
        refusal.Message.ShouldNotContain("s3cr3t");

        settings["TokenVault:Storage:ConnectionString"] = "postgres://vault:s3cr3t@localhost/vault";
        refusal = await Should.ThrowAsync<StartupException>(() => TestVault.StartAsync(settings));
        refusal.Message.ShouldContain("TokenVault__Storage__ConnectionString must be");
        refusal.Message.ShouldNotContain("s3cr3t");
    }

    private protected override async Task<string?> ConnectionStringAsync()
    {
        _server = await PostgresServer.StartAsync();
        _database = await _server.CreateDatabaseAsync();
        return _database;
    }

    private protected override async Task RemoveAsync() => await _server.DisposeAsync();

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        for (var start = Stopwatch.GetTimestamp(); !await condition();)
        {
            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(Patience);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    private async Task<HttpStatusCode> HealthAsync(string path)
    {
        // Answers of one second share a probe.
        Vault.Clock.Advance(TimeSpan.FromSeconds(1));
        using var response = await Vault.Api.Http.GetAsync(new Uri($"{Vault.Issuer}health/{path}"));
        return response.StatusCode;
    }

    private async Task<HttpStatusCode> ExchangeAtAsync(string address, string refreshToken)
    {
        using var form = new FormUrlEncodedContent(ExchangeForm(refreshToken));
        using var response = await Vault.Api.Http.PostAsync(new Uri(address + "/oauth/token"), form);
        return response.StatusCode;
    }
}
