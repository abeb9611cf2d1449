using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.WireFormat;

/// <summary>The authorization server's answers, to the letter.</summary>
public sealed class TokenWireTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task Discovery_and_keys() =>
        New().Add("GET /.well-known/openid-configuration", await vault.GetAsync(".well-known/openid-configuration"))
            .Add("GET /.well-known/jwks.json", await vault.GetAsync(".well-known/jwks.json"))
            .Match("discovery");

    [Fact]
    public async Task Tokens()
    {
        var me = vault.Issuer + "me/";
        using var browser = await vault.SignedInBrowserAsync();
        var authorized = await vault.AuthorizeAsync(vault.Web, browser, ("scope", OAuthVault.AllScopes), ("audience", OAuthVault.Audience), ("nonce", "the-nonce"));
        var tokens = await vault.RedeemAsync(vault.Web, authorized.Redirected("code")!, OAuthVault.Verifier);
        var token = tokens["refresh_token"];
        New().Add("GET /authorize", authorized)
            .Add("authorization_code, with openid and offline_access", tokens)
            .Add("authorization_code, without openid", await vault.SignInAsync(vault.Web, "read:calendar"))
            .Add("authorization_code, without an audience", await vault.SignInAsync(vault.Web, "openid", audience: null))
            .Add("refresh_token", await vault.RefreshAsync(vault.Web, token))
            .Add("refresh_token, for the My Account API", await vault.RefreshAsync(vault.Web, token, ("audience", me), ("scope", Wire.CreateConnectedAccounts)))
            .Add("refresh_token, rotating", await vault.RefreshAsync(vault.Spa, (await vault.SignInAsync(vault.Spa))["refresh_token"]))
            .Add("client_credentials", await MachineAsync())
            .Add("POST /oauth/revoke", await RevokeAsync(token!))
            .Add("GET /userinfo", await vault.GetAsync("userinfo", tokens["access_token"]))
            .Match("tokens");
    }

    [Fact]
    public async Task Errors()
    {
        var spa = vault.Spa.Credentials.ClientId;
        var origin = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + "oauth/token");
        origin.Headers.Add("Origin", OAuthVault.Origin);
        var token = (await vault.SignInAsync(vault.Web))["refresh_token"];
        New().Add("no body", await vault.PostAsync("oauth/token", ""))
            .Add("no body, from a registered origin", await vault.SendAsync(origin))
            .Add("a repeated parameter", await vault.PostAsync("oauth/token", "grant_type=a&grant_type=b"))
            .Add("a number", await vault.PostAsync("oauth/token", """{"grant_type":1}""", "application/json"))
            .Add("too large", await vault.PostAsync("oauth/token", new string('x', 40_000)))
            .Add("an unknown grant", await vault.PostAsync("oauth/token", $"grant_type=password&client_id={spa}"))
            .Add("a grant that the client was not given", await vault.PostAsync("oauth/token", $"grant_type=client_credentials&client_id={spa}"))
            .Add("an unknown client", await vault.PostAsync("oauth/token", "grant_type=client_credentials&client_id=nobody&client_secret=x"))
            .Add("two methods", await vault.PostAsync("oauth/token", "grant_type=client_credentials&client_secret=x", authorization: "Basic eDp5"))
            .Add("an unknown code", await vault.RedeemAsync(vault.Web, "no-such-code", OAuthVault.Verifier))
            .Add("a wrong verifier", await vault.RedeemAsync(vault.Web, (await vault.CodeAsync(vault.Web)).Code, OAuthVault.Verifier))
            .Add("an unknown refresh token", await vault.RefreshAsync(vault.Web, "no-such-token"))
            .Add("an audience that is in no policy", await vault.RefreshAsync(vault.Web, token, ("audience", "https://elsewhere.example/")))
            .Add("an unknown API", await MachineAsync("https://elsewhere.example/"))
            .Add("an API without a grant", await MachineAsync(vault.Issuer + "me/"))
            .Add("userinfo without a token", await vault.GetAsync("userinfo"))
            .Add("authorize: login_required", await vault.AuthorizeAsync(vault.Web, null, ("prompt", "none")))
            .Add("authorize: unsupported_response_type", await vault.AuthorizeAsync(vault.Web, null, ("response_type", "token")))
            .Match("token-errors");
    }

    private async Task<Answer> MachineAsync(string? audience = null)
    {
        var client = Credentials.Of(await vault.Admin.CreateAsync("clients", new JsonObject { ["name"] = "Machine", ["app_type"] = "non_interactive" }));
        await vault.Admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = client.ClientId,
            ["audience"] = OAuthVault.Audience,
            ["scope"] = new JsonArray("read:calendar"),
        });
        return await vault.TokenAsync(new Application(vault.Api, client), ("grant_type", Wire.ClientCredentials), ("audience", audience ?? OAuthVault.Audience));
    }

    private Task<Answer> RevokeAsync(string token) => vault.PostAsync(
        "oauth/revoke", $"client_id={vault.Web.Credentials.ClientId}&client_secret={vault.Web.Credentials.ClientSecret}&token={token}");

    private Golden New() => new((vault.Issuer, "{issuer}/"));
}
