using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Possession;

namespace TokenVault.Tests.Conformance;

/// <summary>FAPI 2.0 Security Profile: tokens and codes that are bound by DPoP.</summary>
[Collection(ConformanceModules.Name)]
[Plan("fapi2-security-profile-final-test-plan")]
public sealed class FapiDpopTests(ConformanceScene scene)
{
    private FapiClient First => scene.First;

    [Module("fapi2-security-profile-final-check-dpop-proof-nbf-exp")]
    public async Task fapi2_security_profile_final_check_dpop_proof_nbf_exp()
    {
        foreach (var (claim, seconds) in ((string, int)[])[("nbf", 600), ("exp", -600)])
        {
            var form = FapiClient.CodeForm(await First.CodeAsync(scene.Browser));
            (await First.TokenAsync(form, First.Dpop, claims => claims[claim] = Now + seconds)).ShouldBeRefused(400, "invalid_dpop_proof");
        }
    }

    [Module("fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-before-succeeds")]
    public Task fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds() => IssuedAtAsync(-10);

    [Module("fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-after-succeeds")]
    public Task fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds() => IssuedAtAsync(10);

    [Module("fapi2-security-profile-final-ensure-mismatched-dpop-jkt-fails")]
    public async Task fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails() =>
        (await First.PushAsync(First.Dpop, ("dpop_jkt", First.NewKey().Thumbprint))).ShouldBeRefused(400, "invalid_dpop_proof");

    [Module("fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt")]
    public async Task fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt()
    {
        var pushed = await First.PushAsync(First.Dpop);
        var code = (await First.ComeAsync(scene.Browser, pushed["request_uri"]!)).Redirected("code")!;
        (await First.TokenAsync(FapiClient.CodeForm(code), First.NewKey())).ShouldBeRefused(400, "invalid_dpop_proof");
    }

    [Module("fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-jkt")]
    public async Task fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt()
    {
        var code = await First.CodeAsync(scene.Browser, ("dpop_jkt", First.Dpop.Thumbprint));
        (await First.TokenAsync(FapiClient.CodeForm(code), First.NewKey())).ShouldBeRefused(400, "invalid_dpop_proof");
    }

    [Module("fapi2-security-profile-final-ensure-dpopproof-at-par-endpoint-binding-success")]
    public async Task fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success()
    {
        var pushed = await First.PushAsync(First.Dpop);
        pushed.Status.ShouldBe(201, pushed.Text);
        var code = (await First.ComeAsync(scene.Browser, pushed["request_uri"]!)).Redirected("code")!;
        (await First.RedeemAsync(code)).ShouldBeBoundTo(First.Dpop);
    }

    [Module("fapi2-security-profile-final-ensure-dpop-auth-code-binding-success")]
    public async Task fapi2_security_profile_final_ensure_dpop_auth_code_binding_success() =>
        (await First.RedeemAsync(await First.CodeAsync(scene.Browser, ("dpop_jkt", First.Dpop.Thumbprint)))).ShouldBeBoundTo(First.Dpop);

    [Module("fapi2-security-profile-final-ensure-holder-of-key-required")]
    public async Task fapi2_security_profile_final_ensure_holder_of_key_required()
    {
        var answer = await First.TokenAsync(FapiClient.CodeForm(await First.CodeAsync(scene.Browser)), dpop: null);
        answer.Status.ShouldBe(400, answer.Text);
        answer["error"].ShouldBeOneOf("invalid_request", "invalid_dpop_proof", "invalid_grant");
    }

    [Module("fapi2-security-profile-final-dpop-negative-tests")]
    public async Task fapi2_security_profile_final_dpop_negative_tests()
    {
        var token = (await First.RedeemAsync(await First.CodeAsync(scene.Browser)))["access_token"]!;
        var vectors = new DpopVectors(First.Dpop, "GET", scene.Issuer + "userinfo", token, scene.Vault.Server.Clock.GetUtcNow);
        foreach (var (name, proofs) in vectors.All())
        {
            (await UserinfoAsync(token, proofs)).ShouldBe(401, name);
        }

        (await UserinfoAsync(token, [])).ShouldBe(401);
        (await UserinfoAsync(token, [vectors.Good()], "Bearer")).ShouldBe(401);
        var once = vectors.Good();
        (await UserinfoAsync(token, [once])).ShouldBe(200);
        (await UserinfoAsync(token, [once])).ShouldBe(401);
    }

    private long Now => scene.Vault.Server.Clock.GetUtcNow().ToUnixTimeSeconds();

    private async Task IssuedAtAsync(int seconds) =>
        (await First.TokenAsync(FapiClient.CodeForm(await First.CodeAsync(scene.Browser)), First.Dpop, claims => claims["iat"] = Now + seconds)).ShouldBeBoundTo(First.Dpop);

    private async Task<int> UserinfoAsync(string token, string[] proofs, string scheme = "DPoP")
    {
        var request = new HttpRequestMessage(HttpMethod.Get, scene.Issuer + "userinfo");
        request.Headers.TryAddWithoutValidation("Authorization", $"{scheme} {token}");
        foreach (var proof in proofs)
        {
            request.Headers.TryAddWithoutValidation("DPoP", proof);
        }

        return (await scene.Vault.SendAsync(request)).Status;
    }
}
