using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.SignIn;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Factors;

/// <summary>Linking is no way around a second factor.</summary>
public sealed class LinkingTests(FactorScene scene) : IClassFixture<FactorScene>
{
    [Fact]
    public async Task T_CF_15_Who_has_only_the_providers_sign_in_of_a_user_with_a_second_factor_cannot_make_that_user_their_own()
    {
        var connection = await scene.NewConnectionAsync();
        var victim = new Person(scene, $"oidc|{connection}|ada", "", "") { Browser = scene.Vault.NewBrowser() };
        await victim.FinishEnrolmentAsync(await victim.ComeAsync(("connection", connection), ("acr_values", AuthenticationMethod.MultiFactorContext)));
        var thief = await scene.NewUserAsync();

        var (visit, _) = await scene.App.AuthorizeAsync(
            thief.Browser, "", "", VaultScene.Api, "openid link_account", [new("requested_connection", connection), new("id_token_hint", thief.IdToken!)]);

        visit.ShouldEndWith("access_denied");
        (await scene.UserAsync(thief.Id))["identities"]!.AsArray().Count.ShouldBe(1);
        (await scene.UserAsync(victim.Id))["user_id"]!.ToString().ShouldBe(victim.Id);

        // The operator, whose word it is, still can.
        var linked = await (await scene.AdminAsync()).PostAsync(
            $"users/{Uri.EscapeDataString(thief.Id)}/identities", new System.Text.Json.Nodes.JsonObject { ["provider"] = "oidc", ["user_id"] = $"{connection}|ada" });
        linked.Status.ShouldBe(201, linked.Text);
    }
}
