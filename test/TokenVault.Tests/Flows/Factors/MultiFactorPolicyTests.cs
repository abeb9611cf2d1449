using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Factors;

/// <summary>What the policy forbids, and whom it asks.</summary>
public sealed class MultiFactorPolicyTests(FactorScene scene) : IClassFixture<FactorScene>
{
    [Fact]
    public async Task T_CF_14_While_the_policy_is_always_no_token_is_exchanged_and_afterwards_it_is_again()
    {
        await scene.SetPolicyAsync();
        var user = await scene.ConnectedUserAsync();
        (await user.ExchangeAsync()).ShouldBeGranted();
        var worker = await scene.NewWorkerAsync();
        (await worker.ExchangeAsync(user.Id)).ShouldBeGranted();

        await scene.SetPolicyAsync(MultiFactorPolicy.Always);
        foreach (var refused in (Answer[])[await user.ExchangeAsync(), await user.ExchangeByAccessTokenAsync(), await worker.ExchangeAsync(user.Id)])
        {
            refused.ShouldBeRefused(401, "mfa_required");
            refused["reason"].ShouldBe("policy_denied");
            refused["mfa_token"].ShouldBeNull("there is nothing to go on with");
        }

        (await scene.AuditAsync(AuditType.FailedVaultExchange, user.Id)).Count.ShouldBe(3);
        await scene.SetPolicyAsync(MultiFactorPolicy.Adaptive);
        (await user.ExchangeAsync()).ShouldBeGranted();
        await scene.SetPolicyAsync();
        (await user.ExchangeByAccessTokenAsync()).ShouldBeGranted();
    }

    [Fact]
    public async Task T_CF_14_By_default_not_even_a_session_with_a_second_factor_lets_an_exchange_through()
    {
        await scene.SetPolicyAsync(MultiFactorPolicy.Always);
        var person = await scene.NewPersonAsync();
        var tokens = await person.RedeemAsync(await person.FinishEnrolmentAsync(await person.ComeAsync()));

        var refused = await scene.App.ExchangeAsync(tokens["refresh_token"]!, Wire.RefreshTokenType, Vault.VaultScene.Calendar);

        refused.ShouldBeRefused(401, "mfa_required");
        await scene.SetPolicyAsync();
    }

    [Fact]
    public async Task A_refresh_token_from_before_the_policy_is_refused_and_told_which_factors_there_are()
    {
        await scene.SetPolicyAsync();
        var person = await scene.NewPersonAsync();
        var weak = await person.RedeemAsync(await person.ComeAsync());
        await scene.SetPolicyAsync(MultiFactorPolicy.Always);

        var first = await scene.App.RefreshAsync(weak["refresh_token"]!);
        first.ShouldBeRefused(401, "mfa_required");
        first.Json["mfa_requirements"]!.ToJsonString().ShouldBe("""{"enroll":[{"type":"otp"}]}""");

        var strong = await person.RedeemAsync(await person.FinishEnrolmentAsync(await person.ComeAsync()));
        (await scene.App.RefreshAsync(strong["refresh_token"]!)).ShouldBeGranted();
        Answers.Claims((await scene.App.RefreshAsync(strong["refresh_token"]!))["id_token"])["amr"]!.ToJsonString().ShouldBe("""["pwd","otp","mfa"]""");
        var second = await scene.App.RefreshAsync(weak["refresh_token"]!);
        second.ShouldBeRefused(401, "mfa_required");
        second.Json["mfa_requirements"]!["challenge"]!.AsArray().Select(one => (string?)one!["type"]).ShouldBe(["otp", "recovery-code"]);

        // The token says which, for ten minutes, and opens no grant.
        var mfaToken = second["mfa_token"]!;
        var listed = await scene.Vault.Api.SendAsync(HttpMethod.Get, "mfa/authenticators", mfaToken);
        listed.Json.AsArray().Select(one => (string?)one!["authenticator_type"]).ShouldBe(["otp", "recovery-code"]);
        (await scene.Vault.Api.SendAsync(HttpMethod.Get, "mfa/authenticators", mfaToken[..^2])).Status.ShouldBe(401);
        var grant = await scene.Vault.Api.SendAsync(HttpMethod.Post, "oauth/token", body: new JsonObject
        {
            ["grant_type"] = "http://auth0.com/oauth/grant-type/mfa-otp",
            ["client_id"] = scene.App.Credentials.ClientId,
            ["client_secret"] = scene.App.Credentials.ClientSecret,
            ["mfa_token"] = mfaToken,
            ["otp"] = person.Phone.Code(),
        });
        grant.ShouldBeRefused(400, "unsupported_grant_type");
        scene.Clock.Advance(TimeSpan.FromMinutes(11));
        (await scene.Vault.Api.SendAsync(HttpMethod.Get, "mfa/authenticators", mfaToken)).Status.ShouldBe(401);
        await scene.SetPolicyAsync();
        (await scene.App.RefreshAsync(weak["refresh_token"]!)).ShouldBeGranted();
    }

    [Fact]
    public async Task The_adaptive_policy_asks_in_browsers_and_from_networks_that_are_not_known()
    {
        await scene.SetPolicyAsync(MultiFactorPolicy.Adaptive);
        var person = await scene.NewPersonAsync();
        await person.FinishEnrolmentAsync(await person.ComeAsync());

        // A new session in the same browser: known.
        var again = await person.ComeAsync(("prompt", "login"));
        Answers.Claims((await person.RedeemAsync(again))["id_token"])["amr"]!.ToJsonString().ShouldBe("""["pwd"]""");
        (await scene.AuthorizeFromAsync(person.Browser, "203.0.113.7")).ShouldStartWith("/u/mfa?");
        (await scene.AuthorizeFromAsync(person.Browser, "127.0.0.1")).ShouldStartWith(Operator.Callback);

        // Another browser; and another user in the known one.
        var known = person.Browser;
        person.TakeNewBrowser();
        (await person.ComeAsync()).Html.ShouldContain("Confirm that it is you");
        var other = await scene.NewPersonAsync() with { Browser = known };
        (await other.ComeAsync(("prompt", "login"))).Html.ShouldContain("Set up a second step");

        // After a month it is forgotten.
        person.Browser = known;
        scene.Clock.Jump(TimeSpan.FromDays(31));
        (await person.ComeAsync(("prompt", "login"))).Html.ShouldContain("Confirm that it is you");
        await scene.SetPolicyAsync();
    }

    [Fact]
    public async Task Administrators_see_and_remove_factors_and_known_browsers_go_with_them()
    {
        await scene.SetPolicyAsync(MultiFactorPolicy.Adaptive);
        var person = await scene.NewPersonAsync();
        await person.FinishEnrolmentAsync(await person.ComeAsync());
        var admin = await scene.AdminAsync();
        var path = $"users/{Uri.EscapeDataString(person.Id)}/authentication-methods";
        var listed = (await admin.GetAsync(path)).Json["authenticators"]!.AsArray();
        listed.Select(one => (string?)one!["type"]).Order().ShouldBe(["recovery-code", "totp"]);
        listed.ToJsonString().ShouldNotContain("secret");

        var id = (string)listed.Single(one => (string?)one!["type"] == "totp")!["id"]!;
        (await admin.DeleteAsync($"{path}/{Uri.EscapeDataString("totp|dev_another")}")).Status.ShouldBe(204);
        (await admin.GetAsync(path)).Json["authenticators"]!.AsArray().Count.ShouldBe(2);
        (await admin.DeleteAsync($"{path}/{Uri.EscapeDataString(id)}")).Status.ShouldBe(204);
        (await admin.GetAsync(path)).Json["authenticators"]!.AsArray().ShouldBeEmpty();
        (await admin.DeleteAsync(path)).Status.ShouldBe(204);
        (await admin.GetAsync("users/nobody/authentication-methods")).Status.ShouldBe(404);
        (await scene.AuditAsync(AuditType.FactorRemoved, person.Id)).Count.ShouldBe(1);

        (await person.ComeAsync(("prompt", "login"))).Html.ShouldContain("Set up a second step");
        await scene.SetPolicyAsync();
    }
}
