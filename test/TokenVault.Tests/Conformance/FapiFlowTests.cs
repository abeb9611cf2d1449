using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Possession;

namespace TokenVault.Tests.Conformance;

/// <summary>FAPI 2.0 Security Profile, with pushed requests, <c>private_key_jwt</c>, DPoP and OpenID Connect: what works.</summary>
[Collection(ConformanceModules.Name)]
[Plan("fapi2-security-profile-final-test-plan")]
public sealed class FapiFlowTests(ConformanceScene scene)
{
    [Module("fapi2-security-profile-final-discovery-end-point-verification")]
    public async Task fapi2_security_profile_final_discovery_end_point_verification()
    {
        var metadata = await scene.MetadataAsync();
        ((string?)metadata["issuer"]).ShouldBe(scene.Issuer);
        new Uri((string)metadata["pushed_authorization_request_endpoint"]!).Scheme.ShouldBe("https");
        metadata["authorization_response_iss_parameter_supported"]!.GetValue<bool>().ShouldBeTrue();
        ConformanceScene.Texts(metadata["code_challenge_methods_supported"]).ShouldContain("S256");
        ConformanceScene.Texts(metadata["response_types_supported"]).ShouldContain("code");
        ConformanceScene.Texts(metadata["token_endpoint_auth_methods_supported"]).ShouldContain("private_key_jwt");
        ConformanceScene.Texts(metadata["token_endpoint_auth_signing_alg_values_supported"]).Intersect(["PS256", "ES256"]).ShouldNotBeEmpty();
        ConformanceScene.Texts(metadata["dpop_signing_alg_values_supported"]).Intersect(["PS256", "ES256"]).ShouldNotBeEmpty();
    }

    [Module("fapi2-security-profile-final-happy-flow")]
    public async Task fapi2_security_profile_final_happy_flow()
    {
        var tokens = await FlowAsync(scene.First);
        var others = await FlowAsync(scene.Second);
        (await scene.First.ResourceAsync(tokens["access_token"]!)).Status.ShouldBe(200);
        (await scene.Second.ResourceAsync(others["access_token"]!)).Status.ShouldBe(200);

        // The other client's key does not open with it.
        (await scene.Second.ResourceAsync(tokens["access_token"]!)).Status.ShouldBe(401);
    }

    [Module("fapi2-security-profile-final-user-rejects-authentication")]
    public async Task fapi2_security_profile_final_user_rejects_authentication()
    {
        await scene.Vault.RenewAdminAsync();
        var client = await FapiClient.CreateAsync(scene.Vault, "Rejected", more: new JsonObject { ["is_first_party"] = false });
        using var browser = await scene.Vault.SignedInBrowserAsync();
        var page = await browser.GoAsync(Flows.Pushed.PushScene.Url(scene.Vault, client.Application, await client.UriAsync()), Operator.Callback);
        var back = await browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = "deny" }, Operator.Callback);
        (back["error"], back["state"], back["iss"], back["code"]).ShouldBe(("access_denied", "pushed-state", scene.Issuer, null));
    }

    [Module("fapi2-security-profile-final-ensure-authorization-request-without-state-success")]
    public async Task fapi2_security_profile_final_ensure_authorization_request_without_state_success()
    {
        var answer = await scene.First.AuthorizeAsync(scene.Browser, ("state", null));
        answer.Redirected("state").ShouldBeNull();
        (await scene.First.RedeemAsync(answer.Redirected("code")!)).ShouldBeBoundTo(scene.First.Dpop);
    }

    [Module("fapi2-security-profile-final-ensure-authorization-request-without-nonce-success")]
    public async Task fapi2_security_profile_final_ensure_authorization_request_without_nonce_success() =>
        Answers.Claims((await FlowAsync(scene.First, nonce: null))["id_token"]).ContainsKey("nonce").ShouldBeFalse();

    [Module("fapi2-security-profile-final-ensure-authorization-request-with-64-char-nonce-success")]
    public Task fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success() => FlowAsync(scene.First, new string('n', 64));

    [Module("fapi2-security-profile-final-ensure-authorization-request-with-long-nonce")]
    public Task fapi2_security_profile_final_ensure_authorization_request_with_long_nonce() => FlowAsync(scene.First, new string('n', 384));

    [Module("fapi2-security-profile-final-ensure-authorization-request-with-long-state")]
    public async Task fapi2_security_profile_final_ensure_authorization_request_with_long_state()
    {
        var state = new string('s', 1000);
        (await scene.First.AuthorizeAsync(scene.Browser, ("state", state))).Redirected("state").ShouldBe(state);
    }

    [Module("fapi2-security-profile-final-ensure-other-scope-order-succeeds")]
    public async Task fapi2_security_profile_final_ensure_other_scope_order_succeeds()
    {
        var tokens = await scene.First.RedeemAsync(await scene.First.CodeAsync(scene.Browser, ("scope", "email profile openid")));
        tokens.ScopesOf().ShouldBe(["openid", "profile", "email"], ignoreOrder: true);
        tokens["id_token"].ShouldNotBeNull();
    }

    [Module("fapi2-security-profile-final-access-token-type-header-case-sensitivity")]
    public async Task fapi2_security_profile_final_access_token_type_header_case_sensitivity()
    {
        var token = (await FlowAsync(scene.First))["access_token"]!;
        foreach (var scheme in (string[])["DPoP", "dpop", "dPOp", "DPOP"])
        {
            (await scene.First.ResourceAsync(token, scheme: scheme)).Status.ShouldBe(200, scheme);
        }
    }

    [Module("fapi2-security-profile-final-refresh-token")]
    public async Task fapi2_security_profile_final_refresh_token()
    {
        var tokens = await scene.First.RedeemAsync(await scene.First.CodeAsync(scene.Browser, ("scope", "openid offline_access"), ("audience", OAuthVault.Audience)));
        tokens.ShouldBeBoundTo(scene.First.Dpop);
        var refreshed = await scene.First.RefreshAsync(tokens["refresh_token"]!);
        refreshed.ShouldBeBoundTo(scene.First.Dpop);
        (await scene.Second.RefreshAsync(tokens["refresh_token"]!)).ShouldBeRefused(400, "invalid_grant");
    }

    /// <summary>As far as the tokens, which are bound to the client's key.</summary>
    private async Task<Answer> FlowAsync(FapiClient client, string? nonce = "the-nonce")
    {
        var tokens = await client.RedeemAsync(await client.CodeAsync(scene.Browser, ("nonce", nonce)));
        tokens.ShouldBeBoundTo(client.Dpop);
        await scene.CheckIdTokenAsync(tokens, client.Id, nonce);
        return tokens;
    }
}
