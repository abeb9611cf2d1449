using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>Tokens that are bound to a DPoP key (RFC 9449), as they are issued. These tests move the clock.</summary>
public sealed class DpopTokenTests(PossessionScene scene) : IClassFixture<PossessionScene>
{
    [Theory]
    [InlineData("ES256")]
    [InlineData("RS256")]
    [InlineData("PS256")]
    public async Task A_proof_binds_the_access_token_to_its_key_and_none_leaves_it_a_bearers(string alg)
    {
        var machine = await scene.NewMachineAsync();
        var key = scene.NewKey(alg);
        (await scene.TokenAsync(key, PossessionScene.MachineForm(machine))).ShouldBeBoundTo(key);

        var bearer = await scene.TokenAsync(null, PossessionScene.MachineForm(machine));
        bearer.ShouldBeGranted();
        Answers.Claims(bearer["access_token"])["cnf"].ShouldBeNull();
        bearer.Header("DPoP-Nonce").ShouldBeNull();
    }

    [Fact]
    public async Task T_CA_11_no_wrong_proof_is_accepted_at_the_token_endpoint_dpop_negative_tests_check_dpop_proof_nbf_exp()
    {
        var machine = await scene.NewMachineAsync();
        var form = PossessionScene.MachineForm(machine);
        var key = scene.NewKey();
        await scene.TokenAsync(key, form);
        var vectors = new DpopVectors(key, "POST", scene.TokenUri, accessToken: null, scene.Clock.GetUtcNow);
        var count = 0;
        foreach (var (name, proofs) in vectors.All())
        {
            var answer = await scene.FormAsync(proofs, form);
            (answer.Status, answer["error"]).ShouldBe((400, "invalid_dpop_proof"), $"{name}: {answer.Text}");
            count++;
        }

        foreach (var (name, proof) in vectors.Nonces())
        {
            var answer = await scene.FormAsync([proof], form);
            (answer.Status, answer["error"]).ShouldBe((400, "use_dpop_nonce"), $"{name}: {answer.Text}");
            answer.Header("DPoP-Nonce").ShouldBe(key.Nonce);
            count++;
        }

        count.ShouldBeGreaterThanOrEqualTo(100);
        (await scene.FormAsync([vectors.Good()], form)).ShouldBeBoundTo(key);
    }

    [Theory]
    [InlineData("iat", -10)]
    [InlineData("iat", 10)]
    [InlineData("iat", -59)]
    [InlineData("nbf", -60)]
    [InlineData("exp", 60)]
    public async Task A_clock_may_be_a_little_off_ensure_dpopproof_with_iat_10seconds_before_and_after_succeeds(string claim, int seconds)
    {
        var key = scene.NewKey();
        var answer = await scene.TokenAsync(
            key, PossessionScene.MachineForm(await scene.NewMachineAsync()), claims => claims[claim] = scene.Clock.GetUtcNow().ToUnixTimeSeconds() + seconds);
        answer.ShouldBeBoundTo(key);
    }

    [Theory]
    [InlineData("?a=b")]
    [InlineData("#fragment")]
    [InlineData("?a=b#c")]
    public async Task The_address_is_compared_without_query_and_fragment(string tail)
    {
        var key = scene.NewKey();
        var answer = await scene.TokenAsync(key, PossessionScene.MachineForm(await scene.NewMachineAsync()), claims => claims["htu"] = scene.TokenUri + tail);
        answer.ShouldBeBoundTo(key);
    }

    [Fact]
    public async Task T_CA_11_a_proof_is_good_once_after_a_restart_and_its_name_belongs_to_its_key()
    {
        var form = PossessionScene.MachineForm(await scene.NewMachineAsync());
        var (key, other) = (scene.NewKey(), scene.NewKey());
        await scene.TokenAsync(key, form);
        other.Nonce = key.Nonce;
        var jti = Identifier.Secret();
        string Named(DpopKey by) => by.Proof("POST", scene.TokenUri, change: claims => claims["jti"] = jti);

        var proof = Named(key);
        (await scene.FormAsync([proof], form)).ShouldBeBoundTo(key);
        (await scene.FormAsync([proof], form)).ShouldBeRefused(400, "invalid_dpop_proof");
        (await scene.FormAsync([Named(key)], form)).ShouldBeRefused(400, "invalid_dpop_proof");
        (await scene.FormAsync([Named(other)], form)).ShouldBeBoundTo(other);
        await scene.Vault.RestartAsync();
        (await scene.FormAsync([proof], form)).ShouldBeRefused(400, "invalid_dpop_proof");

        var many = key.Proof("POST", scene.TokenUri);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => scene.FormAsync([many], form)));
        answers.Count(answer => answer.Status == 200).ShouldBe(1);
    }

    [Fact]
    public async Task T_CA_11_the_nonce_changes_with_time_and_an_old_one_is_refused()
    {
        var form = PossessionScene.MachineForm(await scene.NewMachineAsync());
        var key = scene.NewKey();
        var demanded = await scene.FormAsync([key.Proof("POST", scene.TokenUri)], form);
        demanded.ShouldBeRefused(400, "use_dpop_nonce");
        key.Nonce = demanded.Header("DPoP-Nonce");

        // In the next period the answer brings the new one, and the former is still good.
        scene.Clock.Advance(TimeSpan.FromMinutes(2));
        var next = await scene.FormAsync([key.Proof("POST", scene.TokenUri)], form);
        next.ShouldBeBoundTo(key);
        next.Header("DPoP-Nonce").ShouldNotBe(key.Nonce);
        scene.Clock.Advance(TimeSpan.FromMinutes(2));
        (await scene.FormAsync([key.Proof("POST", scene.TokenUri)], form)).ShouldBeRefused(400, "use_dpop_nonce");
        key.Nonce = next.Header("DPoP-Nonce");
        (await scene.FormAsync([key.Proof("POST", scene.TokenUri)], form)).ShouldBeBoundTo(key);

        // It is derived, not stored: a restart changes nothing.
        await scene.Vault.RestartAsync();
        (await scene.FormAsync([key.Proof("POST", scene.TokenUri)], form)).ShouldBeBoundTo(key);
    }

    [Fact]
    public async Task T_CA_11_a_demand_for_a_nonce_uses_up_neither_a_code_nor_an_attempt()
    {
        var user = await scene.NewUserAsync();
        var key = scene.NewKey();
        var form = await scene.CodeFormAsync(user);
        (await scene.FormAsync([key.Proof("POST", scene.TokenUri)], form)).ShouldBeRefused(400, "use_dpop_nonce");
        (await scene.TokenAsync(key, form)).ShouldBeBoundTo(key);
    }

    [Fact]
    public async Task T_CA_10_a_public_clients_refresh_token_is_bound_to_its_key_through_every_rotation()
    {
        var user = await scene.NewUserAsync();
        var (key, thief) = (scene.NewKey(), scene.NewKey());
        var tokens = await scene.SignInAsync(user, key);
        tokens.ShouldBeBoundTo(key);
        for (var rotation = 0; rotation < 2; rotation++)
        {
            // Without the key it is neither used up nor is its family ended.
            (await scene.TokenAsync(null, scene.RefreshForm(tokens["refresh_token"]!))).ShouldBeRefused(400, "invalid_dpop_proof");
            (await scene.TokenAsync(thief, scene.RefreshForm(tokens["refresh_token"]!))).ShouldBeRefused(400, "invalid_dpop_proof");
            var former = tokens["refresh_token"]!;
            tokens = await scene.TokenAsync(key, scene.RefreshForm(former));
            tokens.ShouldBeBoundTo(key);
            (await scene.TokenAsync(thief, scene.RefreshForm(former))).ShouldBeRefused(400, "invalid_dpop_proof");
        }

        // Another API's token comes bound as well; and a family that began without a key stays without.
        (await scene.TokenAsync(key, scene.RefreshForm(tokens["refresh_token"]!, scene.Vault.Issuer + "me/"))).ShouldBeBoundTo(key);
        var free = await scene.SignInAsync(user, key: null);
        free.ShouldBeGranted();
        (await scene.TokenAsync(thief, scene.RefreshForm(free["refresh_token"]!))).ShouldBeBoundTo(thief);
    }

    [Fact]
    public async Task A_confidential_clients_refresh_token_goes_with_any_key()
    {
        var user = await scene.NewUserAsync();
        var form = scene.RefreshForm(user.RefreshToken);
        (form["client_id"], form["client_secret"]) = (scene.App.Credentials.ClientId, scene.App.Credentials.ClientSecret);
        foreach (var key in (DpopKey[])[scene.NewKey(), scene.NewKey()])
        {
            (await scene.TokenAsync(key, form)).ShouldBeBoundTo(key);
        }

        (await scene.TokenAsync(null, form)).ShouldBeGranted();
    }

    [Fact]
    public async Task T_CA_10_ensure_mismatched_dpop_jkt_fails_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt()
    {
        var user = await scene.NewUserAsync();
        var (key, other) = (scene.NewKey(), scene.NewKey());
        (await scene.SignInAsync(user, key, key.Thumbprint)).ShouldBeBoundTo(key);

        // What was refused has not used the code up.
        var form = await scene.CodeFormAsync(user, key.Thumbprint);
        (await scene.TokenAsync(other, form)).ShouldBeRefused(400, "invalid_dpop_proof");
        (await scene.TokenAsync(null, form)).ShouldBeRefused(400, "invalid_dpop_proof");
        (await scene.TokenAsync(key, form)).ShouldBeBoundTo(key);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("not+base64url+not+base64url+not+base64url+00")]
    public async Task A_dpop_jkt_that_is_none_is_refused_at_once(string jkt)
    {
        var user = await scene.NewUserAsync();
        var (visit, _) = await scene.Spa.AuthorizeAsync(user.Browser, user.Email, user.Password, audience: null, "openid", [KeyValuePair.Create("dpop_jkt", jkt)]);
        visit["error"].ShouldBe("invalid_request");
    }

    [Theory]
    [InlineData("all_clients", true)]
    [InlineData("public_clients", false)]
    public async Task An_api_can_demand_bound_tokens_ensure_holder_of_key_required(string of, bool refused)
    {
        var machine = await scene.NewMachineAsync(api: new JsonObject
        {
            ["proof_of_possession"] = new JsonObject { ["mechanism"] = "dpop", ["required"] = true, ["required_for"] = of },
        });
        var bearer = await scene.TokenAsync(null, PossessionScene.MachineForm(machine));
        if (refused)
        {
            bearer.ShouldBeRefused(400, "invalid_request");
        }
        else
        {
            bearer.ShouldBeGranted();
        }

        var key = scene.NewKey();
        (await scene.TokenAsync(key, PossessionScene.MachineForm(machine))).ShouldBeBoundTo(key);
    }

    [Fact]
    public async Task A_client_can_be_held_to_bound_tokens_whatever_the_api_demands()
    {
        var machine = await scene.NewMachineAsync(client: new JsonObject { ["require_proof_of_possession"] = true });
        (await scene.TokenAsync(null, PossessionScene.MachineForm(machine))).ShouldBeRefused(400, "invalid_request");
        var key = scene.NewKey();
        (await scene.TokenAsync(key, PossessionScene.MachineForm(machine))).ShouldBeBoundTo(key);
    }

    [Fact]
    public async Task The_metadata_names_the_algorithms()
    {
        var metadata = (await scene.Vault.Api.SendAsync(HttpMethod.Get, ".well-known/openid-configuration")).Json;
        metadata["dpop_signing_alg_values_supported"]!.AsArray().Select(alg => (string?)alg).ShouldBe(["ES256", "ES384", "PS256", "RS256"]);
    }
}
