using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Conformance;

/// <summary>OpenID Connect Basic OP: what comes of a request.</summary>
[Collection(ConformanceModules.Name)]
[Plan("oidcc-basic-certification-test-plan")]
public sealed class BasicFlowTests(ConformanceScene scene)
{
    [Module("oidcc-server")]
    public async Task oidcc_server()
    {
        var tokens = await scene.FlowAsync(("scope", "openid profile email"));
        var userinfo = await scene.Vault.GetAsync("userinfo", tokens["access_token"]);
        userinfo.Status.ShouldBe(200);
        userinfo["sub"].ShouldBe((string?)Answers.Claims(tokens["id_token"])["sub"]);
    }

    [Module("oidcc-server-client-secret-post")]
    public async Task oidcc_server_client_secret_post()
    {
        var answer = await scene.Vault.AuthorizeAsync(scene.Vault.Web, scene.Browser, ("nonce", "n-1"));
        var tokens = await scene.Vault.RedeemAsync(scene.Vault.Web, answer.Redirected("code")!, OAuthVault.Verifier);
        tokens.ShouldBeGranted();
        await scene.CheckIdTokenAsync(tokens, scene.Vault.Web.Credentials.ClientId, "n-1");
    }

    [Module("oidcc-response-type-missing")]
    public async Task oidcc_response_type_missing() =>
        (await scene.Vault.AuthorizeAsync(scene.Basic, scene.Browser, ("response_type", null))).ShouldRedirectError("invalid_request");

    [Module("oidcc-idtoken-signature")]
    public async Task oidcc_idtoken_signature()
    {
        var token = (await scene.FlowAsync())["id_token"]!;
        ((string?)Answers.JoseHeader(token)["alg"]).ShouldBe("RS256");
        var keys = (await scene.Vault.GetAsync(".well-known/jwks.json")).Json["keys"]!.AsArray();
        keys.Count(key => (string?)key!["kid"] == (string?)Answers.JoseHeader(token)["kid"]).ShouldBe(1);
        await scene.Vault.VerifiedClaimsAsync(token);
    }

    [Module("oidcc-userinfo-get")]
    public async Task oidcc_userinfo_get() =>
        await UserinfoAsync(token => scene.Vault.GetAsync("userinfo", token));

    [Module("oidcc-userinfo-post-header")]
    public async Task oidcc_userinfo_post_header() => await UserinfoAsync(token =>
    {
        var request = new HttpRequestMessage(HttpMethod.Post, scene.Issuer + "userinfo");
        request.Headers.Authorization = new("Bearer", token);
        return scene.Vault.SendAsync(request);
    });

    [Module("oidcc-userinfo-post-body")]
    public async Task oidcc_userinfo_post_body() =>
        await UserinfoAsync(token => scene.Vault.PostAsync("userinfo", "access_token=" + token));

    [Module("oidcc-ensure-request-without-nonce-succeeds-for-code-flow")]
    public async Task oidcc_ensure_request_without_nonce_succeeds_for_code_flow() =>
        Answers.Claims((await scene.TokensAsync(await scene.CodeAsync(("nonce", null)), nonce: null))["id_token"]).ContainsKey("nonce").ShouldBeFalse();

    [Module("oidcc-scope-profile")]
    public async Task oidcc_scope_profile()
    {
        var claims = await ClaimsAsync("openid profile");
        ((string?)claims["name"]).ShouldNotBeNullOrEmpty();
        claims.ContainsKey("email").ShouldBeFalse();
    }

    [Module("oidcc-scope-email")]
    public async Task oidcc_scope_email()
    {
        var claims = await ClaimsAsync("openid email");
        ((string?)claims["email"]).ShouldBe(OAuthVault.Email);
        claims["email_verified"]!.GetValue<bool>().ShouldBeFalse();
        claims.ContainsKey("name").ShouldBeFalse();
    }

    [Module("oidcc-ensure-other-scope-order-succeeds")]
    public async Task oidcc_ensure_other_scope_order_succeeds() => ((string?)(await ClaimsAsync("email openid"))["email"]).ShouldBe(OAuthVault.Email);

    /// <summary>The claims parameter is not offered, and the request goes through without what it asks for, for which the module warns.</summary>
    [Module("oidcc-claims-essential")]
    public async Task oidcc_claims_essential()
    {
        const string claims = """{"userinfo":{"name":{"essential":true}}}""";
        var tokens = await scene.FlowAsync(("claims", claims));
        (await scene.Vault.GetAsync("userinfo", tokens["access_token"])).Status.ShouldBe(200);
        Answers.Claims(tokens["id_token"]).ContainsKey("name").ShouldBeFalse();
    }

    [Module("oidcc-codereuse")]
    public async Task oidcc_codereuse()
    {
        var code = await scene.CodeAsync();
        await scene.TokensAsync(code);
        (await scene.RedeemAsync(code)).ShouldBeInvalidGrant();
    }

    /// <summary>What can be withdrawn is: the refresh token. The access token is a JWT, and lives on, for which the module warns.</summary>
    [Module("oidcc-codereuse-30seconds")]
    public async Task oidcc_codereuse_30seconds()
    {
        var code = await scene.CodeAsync(("scope", "openid offline_access"), ("audience", OAuthVault.Audience));
        var tokens = await scene.TokensAsync(code);
        scene.Wait(30);
        (await scene.RedeemAsync(code)).ShouldBeInvalidGrant();
        (await scene.TokenAsync(("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"]!))).ShouldBeInvalidGrant();
    }

    [Module("oidcc-refresh-token")]
    public async Task oidcc_refresh_token()
    {
        var tokens = await scene.FlowAsync(("scope", "openid offline_access"), ("audience", OAuthVault.Audience));
        var before = Answers.Claims(tokens["id_token"]);
        scene.Wait(1);
        var refreshed = await scene.TokenAsync(("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"]!));
        refreshed.ShouldBeGranted();
        refreshed["access_token"].ShouldNotBe(tokens["access_token"]);
        var after = await scene.Vault.VerifiedClaimsAsync(refreshed["id_token"]);
        foreach (var claim in (string[])["iss", "sub", "aud", "auth_time"])
        {
            after[claim]!.ToJsonString().ShouldBe(before[claim]!.ToJsonString());
        }

        after["iat"]!.GetValue<long>().ShouldBeGreaterThan(before["iat"]!.GetValue<long>());
        (await scene.Vault.RefreshAsync(scene.Vault.Web, refreshed["refresh_token"] ?? tokens["refresh_token"])).ShouldBeInvalidGrant();
    }

    private async Task<JsonObject> ClaimsAsync(string scope)
    {
        var answer = await scene.Vault.GetAsync("userinfo", (await scene.FlowAsync(("scope", scope)))["access_token"]);
        answer.Status.ShouldBe(200);
        return answer.Json.AsObject();
    }

    private async Task UserinfoAsync(Func<string, Task<Answer>> ask)
    {
        var tokens = await scene.FlowAsync(("scope", "openid email"));
        var answer = await ask(tokens["access_token"]!);
        answer.Status.ShouldBe(200, answer.Text);
        answer.Header("Content-Type").ShouldBe("application/json");
        answer["sub"].ShouldBe(scene.Vault.UserId);
        answer["email"].ShouldBe(OAuthVault.Email);
    }
}
