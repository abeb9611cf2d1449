using System.Text.Json.Nodes;

namespace TokenVault.Tests.Flows.Attack;

public sealed class SystemApiTests(AttackScene scene) : IClassFixture<AttackScene>
{
    [Theory]
    [InlineData("null")]
    [InlineData("""{"user":null}""")]
    [InlineData("""{"user":{"policy":"allow_all"}}""")]
    [InlineData("""{"user":{"policy":"require_client_grant"}}""")]
    public async Task T_MG_06_the_management_api_cannot_be_opened_to_users(string policies)
    {
        var management = scene.Vault.Issuer + "api/v2/";
        var patched = await scene.Admin.PatchAsync(AttackScene.Path(management), Body(policies));
        patched.Status.ShouldBe(400, patched.Text);
        using var browser = scene.Vault.NewBrowser();
        var (visit, _) = await scene.App.AuthorizeAsync(browser, AttackScene.Email, AttackScene.Password, management, "read:clients create:client_grants");
        visit["error"].ShouldBe("access_denied");
    }

    [Fact]
    public async Task T_MG_06_the_my_account_api_cannot_be_opened_to_clients()
    {
        var path = AttackScene.Path(scene.Vault.Issuer + "me/");
        (await scene.Admin.PatchAsync(path, Body("""{"client":{"policy":"require_client_grant"}}"""))).Status.ShouldBe(400);
        (await scene.Admin.PatchAsync(path, Body("""{"user":{"policy":"require_client_grant"}}"""))).Status.ShouldBe(200);
    }

    private static JsonObject Body(string policies) => new() { ["subject_type_authorization"] = JsonNode.Parse(policies) };
}
