using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Possession;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Conformance;

/// <summary>FAPI 2.0 Security Profile: who the client is, and whose the code.</summary>
[Collection(ConformanceModules.Name)]
[Plan("fapi2-security-profile-final-test-plan")]
public sealed class FapiClientTests(ConformanceScene scene) : IAsyncLifetime
{
    private FapiClient First => scene.First;

    /// <summary>Who fails often has to wait: each test begins with a clean sheet.</summary>
    public Task InitializeAsync()
    {
        scene.Wait(61);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Module("fapi2-security-profile-final-par-test-array-as-audience-fails")]
    public Task fapi2_security_profile_final_par_test_array_as_audience_fails() =>
        PushFailsAsync(claims => claims["aud"] = new JsonArray(scene.Issuer, "https://other1.example.com"));

    [Module("fapi2-security-profile-final-par-test-par-endpoint-url-as-audience-fails")]
    public Task fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails() =>
        PushFailsAsync(claims => claims["aud"] = scene.Issuer + "oauth/par");

    [Module("fapi2-security-profile-final-par-test-token-endpoint-url-as-audience-fails")]
    public Task fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails() =>
        PushFailsAsync(claims => claims["aud"] = scene.Issuer + "oauth/token");

    [Module("fapi2-security-profile-final-par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted")]
    public async Task fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted()
    {
        var answer = await First.PushWithAsync(First.Assertion(claims => (claims["iat"], claims["nbf"]) = (Now + 8, Now + 8)));
        answer.Status.ShouldBe(201, answer.Text);
    }

    [Module("fapi2-security-profile-final-par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails")]
    public Task fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails() =>
        PushFailsAsync(claims => (claims["iat"], claims["nbf"], claims["exp"]) = (Now + 65, Now + 65, Now + 125));

    [Module("fapi2-security-profile-final-ensure-invalid-client-assertions-fail")]
    public async Task fapi2_security_profile_final_ensure_invalid_client_assertions_fail()
    {
        Action<JsonObject>[] spoiled =
        [
            claims => claims.Remove("iss"), claims => claims["iss"] = scene.Second.Id, claims => claims.Remove("sub"), claims => claims["sub"] = scene.Second.Id,
            claims => claims.Remove("aud"), claims => claims["aud"] = "https://other1.example.com", claims => claims.Remove("exp"), claims => claims["exp"] = Now - 300,
            claims => claims.Remove("jti"),
        ];
        foreach (var change in spoiled)
        {
            await PushFailsAsync(change);
        }

        scene.Wait(61);

        var good = First.Assertion();
        (await First.PushWithAsync($"{WorkerKey.Encode("""{"alg":"none"}""")}.{good.Split('.')[1]}.")).ShouldBeUnproven();
        (await First.PushWithAsync(First.Assertion(by: scene.Second.Key))).ShouldBeUnproven();
        (await First.PushWithAsync(good)).Status.ShouldBe(201);
        (await First.PushWithAsync(good)).ShouldBeUnproven();
    }

    [Module("fapi2-security-profile-final-ensure-signed-client-assertion-with-RS256-fails")]
    public async Task fapi2_security_profile_final_ensure_signed_client_assertion_with_RS256_fails()
    {
        await scene.Vault.RenewAdminAsync();
        var client = await FapiClient.CreateAsync(scene.Vault, "PS256", "PS256");
        var form = FapiClient.CodeForm(await client.CodeAsync(scene.Browser));
        await TokenFailsAsync(client, form, client.Assertion(by: new WorkerKey(client.Key.Key, "RS256")));
        (await client.TokenAsync(form, client.Dpop)).ShouldBeBoundTo(client.Dpop);
    }

    [Module("fapi2-security-profile-final-ensure-client-assertion-in-token-endpoint")]
    public async Task fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint()
    {
        var form = FapiClient.CodeForm(await First.CodeAsync(scene.Browser));
        form["client_id"] = First.Id;
        (await WithProofAsync(First, form)).ShouldBeUnproven();
    }

    [Module("fapi2-security-profile-final-ensure-client-assertion-with-exp-is-5-minutes-in-past-fails")]
    public Task fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails() => TokenFailsAsync(claims => claims["exp"] = Now - 300);

    [Module("fapi2-security-profile-final-ensure-client-assertion-with-wrong-aud-fails")]
    public Task fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails() =>
        TokenFailsAsync(claims => claims["aud"] = "https://other1.example.com");

    [Module("fapi2-security-profile-final-ensure-client-assertion-with-no-sub-fails")]
    public Task fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails() => TokenFailsAsync(claims => claims.Remove("sub"));

    [Module("fapi2-security-profile-final-ensure-client-id-in-token-endpoint")]
    public async Task fapi2_security_profile_final_ensure_client_id_in_token_endpoint()
    {
        // The second client's name, and the first one's key.
        var assertion = First.Assertion(claims => (claims["iss"], claims["sub"]) = (scene.Second.Id, scene.Second.Id));
        await TokenFailsAsync(scene.Second, FapiClient.CodeForm(await First.CodeAsync(scene.Browser)), assertion);
    }

    [Module("fapi2-security-profile-final-ensure-authorization-code-is-bound-to-client")]
    public async Task fapi2_security_profile_final_ensure_authorization_code_is_bound_to_client() =>
        (await scene.Second.RedeemAsync(await First.CodeAsync(scene.Browser))).ShouldBeRefused(400, "invalid_grant");

    [Module("fapi2-security-profile-final-attempt-reuse-authorization-code-after-one-second")]
    public async Task fapi2_security_profile_final_attempt_reuse_authorization_code_after_one_second()
    {
        var code = await First.CodeAsync(scene.Browser);
        (await First.RedeemAsync(code)).ShouldBeBoundTo(First.Dpop);
        scene.Wait(1);
        (await First.RedeemAsync(code)).ShouldBeRefused(400, "invalid_grant");
    }

    [Module("fapi2-security-profile-final-ensure-token-endpoint-fails-with-expired-auth-code")]
    public async Task fapi2_security_profile_final_ensure_token_endpoint_fails_with_expired_auth_code()
    {
        var code = await First.CodeAsync(scene.Browser);
        scene.Wait(61);
        (await First.RedeemAsync(code)).ShouldBeRefused(400, "invalid_grant");
    }

    private long Now => scene.Vault.Server.Clock.GetUtcNow().ToUnixTimeSeconds();

    private async Task PushFailsAsync(Action<JsonObject> change) => (await First.PushWithAsync(First.Assertion(change))).ShouldBeUnproven();

    private async Task TokenFailsAsync(Action<JsonObject> change) =>
        await TokenFailsAsync(First, FapiClient.CodeForm(await First.CodeAsync(scene.Browser)), First.Assertion(change));

    private async Task TokenFailsAsync(FapiClient client, Dictionary<string, string> form, string assertion) =>
        (await WithProofAsync(client, client.Proven(form, assertion))).ShouldBeUnproven();

    /// <summary>With a proof that is good, so that it is the client that fails.</summary>
    private async Task<Answer> WithProofAsync(FapiClient client, Dictionary<string, string> form)
    {
        await client.PushAsync(client.Dpop); // learns the nonce
        var request = new HttpRequestMessage(HttpMethod.Post, scene.Issuer + "oauth/token") { Content = new FormUrlEncodedContent(form) };
        request.Headers.TryAddWithoutValidation("DPoP", client.Dpop.Proof("POST", scene.Issuer + "oauth/token"));
        return await scene.Vault.SendAsync(request);
    }
}
