using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.Attack;

/// <summary>No token without the consent that its client and API need.</summary>
public sealed class ConsentBypassTests(AttackScene scene) : IClassFixture<AttackScene>
{
    [Fact]
    public async Task T_PW_07_a_third_party_clients_refresh_token_policy_adds_nothing_to_what_the_user_consented_to()
    {
        var api = await ApiAsync();
        var client = new Application(scene.Vault.Api, await scene.Admin.CreateApplicationAsync("Third party", new JsonObject
        {
            ["is_first_party"] = false,
            ["refresh_token"] = new JsonObject { ["policies"] = new JsonArray(new JsonObject { ["audience"] = api, ["scope"] = new JsonArray("read:all", "write:all") }) },
        }));
        using var browser = scene.Vault.NewBrowser();
        var (page, verifier) = await client.AuthorizeAsync(browser, AttackScene.Email, AttackScene.Password, api, "openid offline_access read:all");
        page.Html.ShouldContain("read:all");
        page.Html.ShouldNotContain("write:all");
        var back = await browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = "allow" }, Operator.Callback);
        var tokens = await client.RedeemAsync(back["code"]!, verifier);

        (await client.RefreshAsync(tokens["refresh_token"]!))["scope"].ShouldBe("openid offline_access read:all");
        (await client.RefreshAsync(tokens["refresh_token"]!, api, "write:all read:all"))["scope"].ShouldBe("read:all");
    }

    [Fact]
    public async Task T_PW_07_an_api_that_skips_no_consent_has_first_party_clients_ask_too()
    {
        var api = await ApiAsync(new JsonObject { ["skip_consent_for_verifiable_first_party_clients"] = false });
        using var browser = scene.Vault.NewBrowser();
        var (page, _) = await scene.App.AuthorizeAsync(browser, AttackScene.Email, AttackScene.Password, api, "openid read:all");
        page.Html.ShouldContain("value=\"allow\"");
        (await scene.App.AuthorizeAsync(browser, "", "", api, "openid read:all", [new("prompt", "none")])).Visit["error"].ShouldBe("consent_required");

        var back = await browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = "allow" }, Operator.Callback);
        back["code"].ShouldNotBeNull();
        (await scene.App.AuthorizeAsync(browser, "", "", api, "openid read:all", [new("prompt", "none")])).Visit["code"].ShouldNotBeNull();
    }

    [Fact]
    public async Task An_api_cannot_define_its_way_around_offline_access()
    {
        var api = await ApiAsync(new JsonObject { ["allow_offline_access"] = false, ["scopes"] = new JsonArray(new JsonObject { ["value"] = Wire.OfflineAccess }) });
        using var browser = scene.Vault.NewBrowser();
        var tokens = await scene.App.SignInAsync(browser, AttackScene.Email, AttackScene.Password, api, "openid offline_access");
        tokens.Status.ShouldBe(200, tokens.Text);
        tokens["refresh_token"].ShouldBeNull();
    }

    private async Task<string> ApiAsync(JsonObject? more = null)
    {
        var identifier = $"https://{Identifier.Client()}.example";
        var body = new JsonObject
        {
            ["identifier"] = identifier,
            ["name"] = "API",
            ["allow_offline_access"] = true,
            ["scopes"] = new JsonArray(new JsonObject { ["value"] = "read:all" }, new JsonObject { ["value"] = "write:all" }),
        };
        foreach (var (member, value) in more ?? [])
        {
            body[member] = value?.DeepClone();
        }

        await scene.Admin.CreateAsync("resource-servers", body);
        return identifier;
    }
}
