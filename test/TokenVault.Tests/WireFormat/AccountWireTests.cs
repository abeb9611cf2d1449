using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.WireFormat;

/// <summary>The answers of connected accounts and of the exchange, to the letter.</summary>
public sealed class AccountWireTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task My_account()
    {
        var user = await scene.NewUserAsync();
        var token = await user.MyTokenAsync();
        var connect = await SendAsync(HttpMethod.Post, VaultScene.Connect, token, ConnectBody());
        var (visit, complete) = await user.Application.ConnectAsync(user.Browser, token, VaultScene.Calendar);
        visit["connect_code"].ShouldNotBeNull();
        var completed = await user.Application.CompleteAsync(token, complete);
        var id = completed["id"];
        New().Add("POST connect", connect)
            .Add("POST complete", completed)
            .Add("GET connections", await SendAsync(HttpMethod.Get, "me/v1/connected-accounts/connections", token))
            .Add("GET accounts", await SendAsync(HttpMethod.Get, VaultScene.Accounts, token))
            .Add("DELETE an account", await SendAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{id}", token))
            .Add("GET accounts, when there are none", await SendAsync(HttpMethod.Get, VaultScene.Accounts, token))
            .Match("my-account");
    }

    [Fact]
    public async Task My_account_errors()
    {
        var user = await scene.NewUserAsync();
        var token = await user.MyTokenAsync();
        var reading = await user.MyTokenAsync(Wire.ReadConnectedAccounts);
        New().Add("no token", await SendAsync(HttpMethod.Get, VaultScene.Accounts, null))
            .Add("another API's token", await SendAsync(HttpMethod.Get, VaultScene.Accounts, user.AccessToken))
            .Add("too few scopes", await SendAsync(HttpMethod.Post, VaultScene.Connect, reading, ConnectBody()))
            .Add("no body", await SendAsync(HttpMethod.Post, VaultScene.Connect, token))
            .Add("a member missing", await SendAsync(HttpMethod.Post, VaultScene.Connect, token, new JsonObject { ["connection"] = VaultScene.Calendar }))
            .Add("a foreign redirect_uri", await SendAsync(HttpMethod.Post, VaultScene.Connect, token, ConnectBody(("redirect_uri", "https://evil.example/"))))
            .Add("an unknown connection", await SendAsync(HttpMethod.Post, VaultScene.Connect, token, ConnectBody(("connection", "unknown"))))
            .Add("an unknown session", await SendAsync(HttpMethod.Post, VaultScene.Complete, token, CompleteBody()))
            .Add("an unknown account", await SendAsync(HttpMethod.Delete, VaultScene.Accounts + "/cac_0000000000000000000000", token))
            .Match("my-account-errors");
    }

    [Fact]
    public async Task Exchange()
    {
        var user = await scene.ConnectedUserAsync();
        var first = await user.ExchangeAsync();
        var second = await user.ExchangeByAccessTokenAsync();
        scene.Clock.Advance(TimeSpan.FromMinutes(10));
        New().Add("by refresh token", first)
            .Add("by access token", second)
            .Add("ten minutes later", await user.ExchangeAsync())
            .Match("exchange");
    }

    [Fact]
    public async Task Exchange_errors()
    {
        var user = await scene.ConnectedUserAsync();
        var golden = New().Add("nothing connected", await (await scene.NewUserAsync()).ExchangeAsync())
            .Add("an unknown connection", await user.ExchangeAsync("unknown"))
            .Add("scopes that were not granted", await user.ExchangeAsync(more: new JsonObject { ["scope"] = "calendar.read calendar.write" }))
            .Add("an unknown refresh token", await scene.App.ExchangeAsync("v1.unknown", Wire.RefreshTokenType, VaultScene.Calendar))
            .Add("no access token of ours", await scene.ApiClient.ExchangeAsync("x.y.z", Wire.AccessTokenType, VaultScene.Calendar))
            .Add("a client that stands for no API", await scene.App.ExchangeAsync(user.AccessToken, Wire.AccessTokenType, VaultScene.Calendar))
            .Add("no subject token type", await scene.App.ExchangeAsync(user.RefreshToken, "urn:unknown", VaultScene.Calendar));
        scene.EndAccessTokens();
        scene.Provider.Refresh.Always(Fault.Status(500));
        golden.Add("the provider is away", await user.ExchangeAsync());
        scene.Provider.Refresh.Always(null);
        scene.Clock.Advance(TimeSpan.FromMinutes(5));
        scene.Provider.RevokeGrant("ada");
        golden.Add("the provider withdrew the grant", await user.ExchangeAsync()).Match("exchange-errors");
    }

    private Golden New() => new((scene.Vault.Issuer, "{issuer}/"), (scene.Provider.Issuer, "{provider}"));

    private Task<Answer> SendAsync(HttpMethod method, string path, string? token, JsonNode? body = null) => scene.Vault.Api.SendAsync(method, path, token, body);

    private static JsonObject ConnectBody(params (string Name, string Value)[] changes)
    {
        var body = new JsonObject
        {
            ["connection"] = VaultScene.Calendar,
            ["redirect_uri"] = Operator.Callback,
            ["state"] = "the-state",
            ["code_challenge"] = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ["code_challenge_method"] = "S256",
        };
        foreach (var (name, value) in changes)
        {
            body[name] = value;
        }

        return body;
    }

    private static JsonObject CompleteBody() => new()
    {
        ["auth_session"] = "unknown",
        ["connect_code"] = "unknown",
        ["redirect_uri"] = Operator.Callback,
        ["code_verifier"] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    };
}
