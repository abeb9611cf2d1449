using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Testing;

namespace TokenVault.Tests.Management;

/// <summary>The server looks, over HTTP, whether it reaches a connection's provider.</summary>
public sealed class ConnectionCheckTests : IAsyncLifetime
{
    private FakeProvider _provider = null!;
    private ManagementHost _host = null!;

    public async Task InitializeAsync()
    {
        _provider = await FakeProvider.StartAsync();
        _host = await ManagementHost.SharedAsync();
    }

    public async Task DisposeAsync() => await _provider.DisposeAsync();

    [Fact]
    public async Task A_provider_that_is_there_is_reachable_at_each_of_its_addresses_and_nothing_secret_went_there()
    {
        var path = await CreateAsync();

        var answer = await CheckAsync(path);

        ((bool)answer["reachable"]!).ShouldBeTrue(answer.ToJsonString());
        var urls = answer["urls"]!.AsArray();
        urls.Select(url => (string)url!["name"]!).ShouldBe(
            ["discovery_url", "token_endpoint", "jwks_uri", "userinfo_endpoint", "authorization_endpoint", "revocation_endpoint"]);
        urls.ShouldAllBe(url => (int)url!["status"]! >= 200);
        ((string?)urls[1]!["url"]).ShouldBe(_provider.Sandbox.TokenUrl);
        (_provider.Redemption.Calls + _provider.Refresh.Calls).ShouldBe(0);
        _provider.Commits.ShouldBeEmpty();
        answer.ToJsonString().ShouldNotContain(_provider.ClientSecret);
    }

    [Theory]
    [InlineData("discovery away", "discovery_url", "status", 503)]
    [InlineData("discovery is a page", "discovery_url", "metadata", 200)]
    [InlineData("another issuer", "discovery_url", "metadata", 200)]
    [InlineData("discovery breaks off", "discovery_url", "broken", null)]
    [InlineData("keys missing", "jwks_uri", "status", 404)]
    [InlineData("keys elsewhere", "jwks_uri", "status", 302)]
    [InlineData("gateway", "userinfo_endpoint", "status", 502)]
    public async Task T_UP_11_what_is_amiss_is_told_without_what_the_provider_said(string amiss, string name, string problem, int? status)
    {
        var path = await CreateAsync();
        var (endpoint, fault) = amiss switch
        {
            "discovery away" => (_provider.Discovery, Fault.Html(503)),
            "discovery is a page" => (_provider.Discovery, Fault.Html()),
            "another issuer" => (_provider.Discovery, Fault.Answer(200, "application/json", """{"issuer":"https://we.are.down/","token_endpoint":"https://we.are.down/token"}""")),
            "discovery breaks off" => (_provider.Discovery, Fault.Oversize(bytes: 1024 * 1024)),
            "keys missing" => (_provider.Keys, Fault.Html(404)),
            "keys elsewhere" => (_provider.Keys, Elsewhere()),
            _ => (_provider.Userinfo, Fault.Html(502)),
        };
        endpoint.Always(fault);

        var answer = await CheckAsync(path);

        ((bool)answer["reachable"]!).ShouldBeFalse();
        var url = answer["urls"]!.AsArray().Where(url => url!["problem"] is not null).ShouldHaveSingleItem()!;
        ((string?)url["name"]).ShouldBe(name);
        ((string?)url["problem"]).ShouldBe(problem);
        ((int?)url["status"]).ShouldBe(status);
        url["detail"].ShouldNotBeNull();
        answer.ToJsonString().ShouldNotContain("are down", Case.Insensitive);
        _provider.Authorization.Calls.ShouldBe(name == "discovery_url" ? 0 : 1);
    }

    [Fact]
    public async Task T_MG_02_it_takes_the_scope_that_reads_connections()
    {
        var path = await CreateAsync();

        (await _host.SendAsync("POST", path, json: null, "Bearer " + _host.Token(["update:connections"]))).Status.ShouldBe(403);
        (await _host.SendAsync("POST", path, json: null, "Bearer " + _host.Token(["read:connections"]))).Status.ShouldBe(200);
        (await _host.SendAsync("POST", "/connections/con_none/check")).Status.ShouldBe(404);
    }

    private static Fault Elsewhere() => Fault.Status(200) with
    {
        Replace = context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = "http://169.254.169.254/";
            return Task.CompletedTask;
        },
    };

    private async Task<string> CreateAsync()
    {
        var connection = await _host.CreateAsync("/connections", new JsonObject
        {
            ["name"] = Identifier.Client(),
            ["strategy"] = "oidc",
            ["options"] = _provider.OidcOptions(),
        }.ToJsonString());
        return $"/connections/{connection["id"]}/check";
    }

    private async Task<JsonNode> CheckAsync(string path)
    {
        var reply = await _host.SendAsync("POST", path);
        reply.Status.ShouldBe(200, reply.Body?.ToJsonString());
        return reply.Body!;
    }
}
