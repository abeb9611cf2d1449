using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Conformance;

/// <summary>The modules that need clients of their own: the suite registers them itself, here they come by the Management API.</summary>
[Collection(ConformanceModules.Name)]
[Plan("oidcc-dynamic-certification-test-plan")]
public sealed class RegistrationTests(ConformanceScene scene)
{
    private const string WithQuery = Operator.Callback + "?foo=bar";

    [Module("oidcc-ensure-client-assertion-with-iss-aud-succeeds")]
    public async Task oidcc_ensure_client_assertion_with_iss_aud_succeeds()
    {
        var client = await KeyClientAsync();
        var answer = await scene.Vault.AuthorizeAsync(client.Application, scene.Browser);
        (await client.TokenAsync(FapiClient.CodeForm(answer.Redirected("code")!), dpop: null)).ShouldBeGranted();
    }

    [Module("oidcc-ensure-redirect-uri-in-authorization-request")]
    public async Task oidcc_ensure_redirect_uri_in_authorization_request()
    {
        var client = await ClientAsync(Operator.Callback, Operator.Callback + "/2");
        (await scene.Vault.AuthorizeAsync(client, scene.Browser, ("redirect_uri", null))).ShouldBeErrorPage();
    }

    [Module("oidcc-idtoken-rs256")]
    public async Task oidcc_idtoken_rs256()
    {
        var client = await scene.Vault.ClientAsync("RS256", new JsonObject { ["jwt_configuration"] = new JsonObject { ["alg"] = "RS256" } });
        var answer = await scene.Vault.AuthorizeAsync(client, scene.Browser);
        var tokens = await scene.Vault.RedeemAsync(client, answer.Redirected("code")!, OAuthVault.Verifier);
        ((string?)Answers.JoseHeader(tokens["id_token"])["alg"]).ShouldBe("RS256");
        await scene.CheckIdTokenAsync(tokens, client.Credentials.ClientId, nonce: null);
    }

    [Module("oidcc-redirect-uri-query-OK")]
    public async Task oidcc_redirect_uri_query_OK()
    {
        var client = await ClientAsync(WithQuery);
        var answer = await scene.Vault.AuthorizeAsync(client, scene.Browser, ("redirect_uri", WithQuery));
        answer.Redirected("foo").ShouldBe("bar");
        (await scene.Vault.RedeemAsync(client, answer.Redirected("code")!, OAuthVault.Verifier, WithQuery)).ShouldBeGranted();
    }

    [Module("oidcc-redirect-uri-query-mismatch")]
    public async Task oidcc_redirect_uri_query_mismatch() =>
        (await scene.Vault.AuthorizeAsync(await ClientAsync(WithQuery), scene.Browser, ("redirect_uri", Operator.Callback + "?bar=foo"))).ShouldBeErrorPage();

    [Module("oidcc-redirect-uri-query-added")]
    public async Task oidcc_redirect_uri_query_added() =>
        (await scene.Vault.AuthorizeAsync(scene.Basic, scene.Browser, ("redirect_uri", WithQuery))).ShouldBeErrorPage();

    [Module("oidcc-redirect-uri-regfrag")]
    public async Task oidcc_redirect_uri_regfrag()
    {
        await scene.Vault.RenewAdminAsync();
        var body = new JsonObject { ["name"] = "Fragment", ["callbacks"] = new JsonArray(Operator.Callback + "#foobar") };
        (await scene.Vault.Admin.PostAsync("clients", body)).Status.ShouldBe(400);
    }

    [Module("oidcc-refresh-token-rp-key-rotation")]
    public async Task oidcc_refresh_token_rp_key_rotation()
    {
        var client = await KeyClientAsync();
        var answer = await scene.Vault.AuthorizeAsync(client.Application, scene.Browser, ("scope", "openid offline_access"), ("audience", OAuthVault.Audience));
        var tokens = await client.TokenAsync(FapiClient.CodeForm(answer.Redirected("code")!), dpop: null);
        tokens.ShouldBeGranted();

        await scene.Vault.RenewAdminAsync();
        var next = WorkerKey.Create();
        var created = await scene.Vault.Admin.PostAsync($"clients/{client.Id}/credentials", next.Credential());
        created.Status.ShouldBe(201, created.Text);
        var methods = new JsonObject { ["private_key_jwt"] = new JsonObject { ["credentials"] = new JsonArray(new JsonObject { ["id"] = created["id"] }) } };
        (await scene.Vault.Admin.PatchAsync("clients/" + client.Id, new JsonObject { ["client_authentication_methods"] = methods })).Status.ShouldBe(200);

        var form = new Dictionary<string, string> { ["grant_type"] = Wire.RefreshToken, ["refresh_token"] = tokens["refresh_token"]! };
        (await client.TokenAsync(form, dpop: null)).ShouldBeRefused(401, "invalid_client");
        (await scene.Vault.Api.FormAsync("oauth/token", client.Proven(form, client.Assertion(by: next)))).ShouldBeGranted();
    }

    [Module("oidcc-server-rotate-keys")]
    public async Task oidcc_server_rotate_keys()
    {
        var before = await scene.FlowAsync();
        var known = await KeysAsync();
        await scene.Vault.Server.Service<SigningKeys>().RotateAsync("RS256", CancellationToken.None);
        (await KeysAsync()).Except(known).ShouldNotBeEmpty();
        var after = await scene.FlowAsync();
        ((string?)Answers.JoseHeader(after["id_token"])["kid"]).ShouldNotBe((string?)Answers.JoseHeader(before["id_token"])["kid"]);
        await scene.Vault.VerifiedClaimsAsync(before["id_token"]);
    }

    private async Task<string?[]> KeysAsync() =>
        [.. (await scene.Vault.GetAsync(".well-known/jwks.json")).Json["keys"]!.AsArray().Select(key => (string?)key!["kid"])];

    private async Task<Application> ClientAsync(params string[] callbacks)
    {
        await scene.Vault.RenewAdminAsync();
        return await scene.Vault.ClientAsync("Callbacks", new JsonObject { ["callbacks"] = new JsonArray([.. callbacks.Select(callback => JsonValue.Create(callback))]) });
    }

    private async Task<FapiClient> KeyClientAsync()
    {
        await scene.Vault.RenewAdminAsync();
        return await FapiClient.CreateAsync(
            scene.Vault, "By key", more: new JsonObject { ["require_pushed_authorization_requests"] = false, ["require_proof_of_possession"] = false });
    }
}
