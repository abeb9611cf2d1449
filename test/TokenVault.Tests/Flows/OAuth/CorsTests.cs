using System.Text.Json.Nodes;
using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Cross-origin requests of single-page applications (contract §0b 29).</summary>
public sealed class CorsTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    private static readonly string[] Shared = ["oauth/token", "oauth/revoke", "userinfo", "me/v1/connected-accounts/accounts", "me/v1/connected-accounts/connect"];

    [Fact]
    public async Task A_registered_origin_is_let_in_and_asked_for_no_cookies()
    {
        foreach (var path in Shared)
        {
            var preflight = await SendAsync(HttpMethod.Options, path, OAuthVault.Origin, preflight: true);
            preflight.Status.ShouldBe(204, path);
            preflight.Header("Access-Control-Allow-Origin").ShouldBe(OAuthVault.Origin);
            preflight.Header("Vary").ShouldBe("Origin");
            foreach (var header in (string[])["auth0-client", "authorization", "content-type", "dpop"])
            {
                preflight.Header("Access-Control-Allow-Headers")!.Split(", ").ShouldContain(header);
            }

            foreach (var method in (string[])["GET", "POST", "DELETE"])
            {
                preflight.Header("Access-Control-Allow-Methods")!.Split(", ").ShouldContain(method);
            }

            var answer = await SendAsync(HttpMethod.Post, path, OAuthVault.Origin);
            answer.Header("Access-Control-Allow-Origin").ShouldBe(OAuthVault.Origin, path);
            answer.Header("Vary").ShouldBe("Origin");
            preflight.Header("Access-Control-Allow-Credentials").ShouldBeNull();
            answer.Header("Access-Control-Allow-Credentials").ShouldBeNull();
        }
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("https://app.example.evil.example")]
    [InlineData("http://app.example")]
    [InlineData("https://app.example:8443")]
    [InlineData("https://APP.example")]
    [InlineData("https://app.example/")]
    [InlineData("null")]
    [InlineData("*")]
    public async Task Any_other_origin_is_not(string origin)
    {
        foreach (var path in Shared)
        {
            var preflight = await SendAsync(HttpMethod.Options, path, origin, preflight: true);
            preflight.Header("Access-Control-Allow-Origin").ShouldBeNull();
            preflight.Header("Access-Control-Allow-Headers").ShouldBeNull();
            (await SendAsync(HttpMethod.Post, path, origin)).Header("Access-Control-Allow-Origin").ShouldBeNull();
        }
    }

    [Theory]
    [InlineData("authorize")]
    [InlineData("u/login")]
    [InlineData("api/v2/clients")]
    [InlineData("v2/logout")]
    [InlineData("oauth/tokens")]
    public async Task Pages_and_administration_are_for_no_foreign_script(string path)
    {
        (await SendAsync(HttpMethod.Options, path, OAuthVault.Origin, preflight: true)).Header("Access-Control-Allow-Origin").ShouldBeNull();
        (await SendAsync(HttpMethod.Get, path, OAuthVault.Origin)).Header("Access-Control-Allow-Origin").ShouldBeNull();
    }

    [Fact]
    public async Task A_single_page_application_redeems_its_code_and_reads_errors_from_the_browser()
    {
        var (code, verifier) = await vault.CodeAsync(vault.Spa);
        var body = $"grant_type=authorization_code&client_id={vault.Spa.Credentials.ClientId}&code={code}&code_verifier={verifier}&redirect_uri={Uri.EscapeDataString(Operator.Callback)}";

        var granted = await SendAsync(HttpMethod.Post, "oauth/token", OAuthVault.Origin, body: body);
        var refused = await SendAsync(HttpMethod.Post, "oauth/token", OAuthVault.Origin, body: body);

        granted.ShouldBeGranted();
        granted.Header("Access-Control-Allow-Origin").ShouldBe(OAuthVault.Origin);
        refused.ShouldBeRefused(403, "invalid_grant");
        refused.Header("Access-Control-Allow-Origin").ShouldBe(OAuthVault.Origin);
    }

    [Fact]
    public async Task An_origin_that_is_taken_away_is_let_in_no_more()
    {
        const string origin = "https://leaving.example";
        var client = await vault.PublicClientAsync("Leaving", new() { ["web_origins"] = new JsonArray(origin) });
        (await SendAsync(HttpMethod.Post, "oauth/token", origin)).Header("Access-Control-Allow-Origin").ShouldBe(origin);

        await vault.Admin.PatchAsync("clients/" + client.Credentials.ClientId, new JsonObject { ["web_origins"] = new JsonArray() });

        (await SendAsync(HttpMethod.Post, "oauth/token", origin)).Header("Access-Control-Allow-Origin").ShouldBeNull();
    }

    private Task<Answer> SendAsync(HttpMethod method, string path, string origin, bool preflight = false, string? body = null)
    {
        var request = new HttpRequestMessage(method, vault.Issuer + path);
        request.Headers.TryAddWithoutValidation("Origin", origin);
        if (preflight)
        {
            request.Headers.TryAddWithoutValidation("Access-Control-Request-Method", "POST");
            request.Headers.TryAddWithoutValidation("Access-Control-Request-Headers", "auth0-client,content-type");
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");
        }

        return vault.SendAsync(request);
    }
}
