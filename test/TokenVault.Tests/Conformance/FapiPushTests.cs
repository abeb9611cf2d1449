using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Conformance;

/// <summary>FAPI 2.0 Security Profile: pushed requests, and what is outside them.</summary>
[Collection(ConformanceModules.Name)]
[Plan("fapi2-security-profile-final-test-plan")]
public sealed class FapiPushTests(ConformanceScene scene)
{
    [Module("fapi2-security-profile-final-par-attempt-reuse-request_uri")]
    public async Task fapi2_security_profile_final_par_attempt_reuse_request_uri()
    {
        var uri = await scene.First.UriAsync();
        (await scene.First.ComeAsync(scene.Browser, uri)).Redirected("code").ShouldNotBeNull();
        (await scene.First.ComeAsync(scene.Browser, uri)).ShouldBeErrorPage();
    }

    [Module("fapi2-security-profile-final-par-attempt-to-use-expired-request_uri")]
    public async Task fapi2_security_profile_final_par_attempt_to_use_expired_request_uri()
    {
        var pushed = await scene.First.PushAsync();
        scene.Wait(pushed.Json["expires_in"]!.GetValue<int>() + 1);
        (await scene.First.ComeAsync(scene.Browser, pushed["request_uri"]!)).ShouldBeErrorPage();
    }

    [Module("fapi2-security-profile-final-par-attempt-to-use-request_uri-for-different-client")]
    public async Task fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client()
    {
        var uri = await scene.First.UriAsync();
        (await scene.Second.ComeAsync(scene.Browser, uri)).ShouldBeErrorPage();
    }

    [Module("fapi2-security-profile-final-par-authorization-request-containing-request_uri-form-param")]
    public async Task fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param() =>
        (await scene.First.PushAsync(("request_uri", "urn:ietf:params:oauth:request_uri:random"))).ShouldBeRefused(400, "invalid_request");

    [Module("fapi2-security-profile-final-par-attempt-invalid-http-method")]
    public async Task fapi2_security_profile_final_par_attempt_invalid_http_method()
    {
        foreach (var method in (string[])["PUT", "GET", "DELETE"])
        {
            (await scene.Vault.SendAsync(new HttpRequestMessage(new HttpMethod(method), scene.Issuer + "oauth/par"))).Status.ShouldBe(405, method);
        }
    }

    [Module("fapi2-security-profile-final-par-without-duplicate-parameters")]
    public async Task fapi2_security_profile_final_par_without_duplicate_parameters()
    {
        var uri = await scene.First.UriAsync();
        var answer = await scene.Vault.GetAsync($"authorize?client_id={scene.First.Id}&request_uri={Uri.EscapeDataString(uri)}", browser: scene.Browser);
        (await scene.First.RedeemAsync(answer.Redirected("code").ShouldNotBeNull())).Status.ShouldBe(200);
    }

    [Module("fapi2-security-profile-final-par-ensure-pkce-required")]
    public async Task fapi2_security_profile_final_par_ensure_pkce_required() =>
        (await scene.First.PushAsync(("code_challenge", null), ("code_challenge_method", null))).ShouldBeRefused(400, "invalid_request");

    [Module("fapi2-security-profile-final-par-plain-pkce-rejected")]
    public async Task fapi2_security_profile_final_par_plain_pkce_rejected() =>
        (await scene.First.PushAsync(("code_challenge", OAuthVault.Verifier), ("code_challenge_method", "plain"))).ShouldBeRefused(400, "invalid_request");

    [Module("fapi2-security-profile-final-ensure-pkce-code-verifier-required")]
    public async Task fapi2_security_profile_final_ensure_pkce_code_verifier_required()
    {
        var answer = await scene.First.RedeemAsync(await scene.First.CodeAsync(scene.Browser), verifier: null);
        answer.Status.ShouldBe(400, answer.Text);
        answer["error"].ShouldBeOneOf("invalid_grant", "invalid_request");
    }

    [Module("fapi2-security-profile-final-incorrect-pkce-code-verifier-rejected")]
    public async Task fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected() =>
        (await scene.First.RedeemAsync(await scene.First.CodeAsync(scene.Browser), new string('x', 43))).ShouldBeRefused(400, "invalid_grant");

    [Module("fapi2-security-profile-final-ensure-different-nonce-inside-and-outside-request-object")]
    public async Task fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object()
    {
        var answer = await scene.First.ComeAsync(scene.Browser, await scene.First.UriAsync(("nonce", "inside")), ("nonce", "outside"));
        var tokens = await scene.First.RedeemAsync(answer.Redirected("code").ShouldNotBeNull());
        await scene.CheckIdTokenAsync(tokens, scene.First.Id, "inside");
    }

    [Module("fapi2-security-profile-final-ensure-different-state-inside-and-outside-request-object")]
    public async Task fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object()
    {
        var answer = await scene.First.ComeAsync(scene.Browser, await scene.First.UriAsync(("state", "inside")), ("state", "outside"));
        answer.Redirected("code").ShouldNotBeNull();
        answer.Redirected("state").ShouldBe("inside");
    }

    [Module("fapi2-security-profile-final-state-only-outside-request-object-not-used")]
    public async Task fapi2_security_profile_final_state_only_outside_request_object_not_used()
    {
        var answer = await scene.First.ComeAsync(scene.Browser, await scene.First.UriAsync(("state", null)), ("state", "outside"));
        answer.Redirected("code").ShouldNotBeNull();
        answer.Redirected("state").ShouldBeNull();
    }

    /// <summary>With two callbacks the server does not know which one is meant; what is outside does not count.</summary>
    [Module("fapi2-security-profile-final-ensure-request-object-without-redirect-uri-fails")]
    public async Task fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails() =>
        (await (await WithTwoCallbacksAsync()).PushAsync(("redirect_uri", null))).ShouldBeRefused(400, "invalid_request");

    [Module("fapi2-security-profile-final-ensure-redirect-uri-in-authorization-request")]
    public async Task fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request()
    {
        var client = await WithTwoCallbacksAsync();
        (await client.PushAsync(("redirect_uri", null))).ShouldBeRefused(400, "invalid_request");
        (await scene.Vault.AuthorizeAsync(client.Application, scene.Browser, ("redirect_uri", null))).ShouldBeErrorPage();
    }

    [Module("fapi2-security-profile-final-ensure-registered-redirect-uri")]
    public async Task fapi2_security_profile_final_ensure_registered_redirect_uri() =>
        (await scene.First.PushAsync(("redirect_uri", Operator.Callback + "/random-path"))).ShouldBeRefused(400, "invalid_request");

    /// <summary>RFC 9126 §2.4 would let a server take it; this one does not, which the module takes as well.</summary>
    [Module("fapi2-security-profile-final-plain-fapi-tolerate-unregistered-redirect-uri")]
    public async Task fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri() =>
        (await scene.First.PushAsync(("redirect_uri", "https://unregistered.example/callback"))).ShouldBeRefused(400, "invalid_request");

    [Module("fapi2-security-profile-final-ensure-unsigned-authorization-request-without-using-par-fails")]
    public async Task fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails() =>
        (await scene.Vault.AuthorizeAsync(scene.First.Application, scene.Browser)).ShouldRedirectError("invalid_request");

    [Module("fapi2-security-profile-final-ensure-response-type-code-idtoken-fails")]
    public Task fapi2_security_profile_final_ensure_response_type_code_idtoken_fails() => ResponseTypeFailsAsync("code id_token");

    [Module("fapi2-security-profile-final-ensure-response-type-token-fails")]
    public Task fapi2_security_profile_final_ensure_response_type_token_fails() => ResponseTypeFailsAsync("token");

    private async Task ResponseTypeFailsAsync(string type) =>
        (await scene.First.PushAsync(("response_type", type))).ShouldBeRefused(400, "unsupported_response_type");

    private async Task<FapiClient> WithTwoCallbacksAsync()
    {
        await scene.Vault.RenewAdminAsync();
        return await FapiClient.CreateAsync(
            scene.Vault, "Two callbacks", more: new JsonObject { ["callbacks"] = new JsonArray(Operator.Callback, Operator.Callback + "/2") });
    }
}
