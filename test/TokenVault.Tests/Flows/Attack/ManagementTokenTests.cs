using System.Text.Json.Nodes;
using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.Attack;

/// <summary>Administration ends when the right to it does, not a day later.</summary>
public sealed class ManagementTokenTests(AttackScene scene) : IClassFixture<AttackScene>
{
    [Fact]
    public async Task T_ST_11_T_MG_11_a_deleted_clients_management_token_is_worth_nothing()
    {
        var (client, _, machine) = await MachineAsync("read:users", "create:client_grants");
        (await machine.GetAsync("users")).Status.ShouldBe(200);
        (await scene.Admin.DeleteAsync("clients/" + client.ClientId)).Status.ShouldBe(204);
        (await machine.GetAsync("users")).Status.ShouldBe(401);
    }

    [Fact]
    public async Task T_ST_11_T_MG_11_a_narrowed_or_withdrawn_grant_narrows_the_tokens_that_are_out()
    {
        var (_, grant, machine) = await MachineAsync("read:users", "read:clients");
        (await scene.Admin.PatchAsync("client-grants/" + grant, new JsonObject { ["scope"] = new JsonArray("read:clients") })).Status.ShouldBe(200);
        var narrowed = await machine.GetAsync("users");
        (narrowed.Status, narrowed["errorCode"]).ShouldBe((403, "insufficient_scope"));
        (await machine.GetAsync("clients")).Status.ShouldBe(200);

        (await scene.Admin.DeleteAsync("client-grants/" + grant)).Status.ShouldBe(204);
        (await machine.GetAsync("clients")).Status.ShouldBe(403);
    }

    [Fact]
    public async Task T_ST_11_a_widened_grant_does_not_widen_a_token_that_is_out()
    {
        var (_, grant, machine) = await MachineAsync("read:clients");
        (await scene.Admin.PatchAsync("client-grants/" + grant, new JsonObject { ["scope"] = new JsonArray("read:clients", "read:users") })).Status.ShouldBe(200);
        (await machine.GetAsync("users")).Status.ShouldBe(403);
    }

    [Fact]
    public async Task T_MG_11_a_management_token_lives_for_a_day_at_most_whatever_is_asked_for()
    {
        var management = Uri.EscapeDataString(scene.Vault.Issuer + "api/v2/");
        (await scene.Admin.PatchAsync("resource-servers/" + management, new JsonObject { ["token_lifetime"] = 86_401 })).Status.ShouldBe(400);
        var answer = await scene.Vault.Api.FormAsync("oauth/token", new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = (string)scene.Vault.Bootstrap["client_id"]!,
            ["client_secret"] = (string)scene.Vault.Bootstrap["client_secret"]!,
            ["audience"] = scene.Vault.Issuer + "api/v2/",
        });
        answer.Json["expires_in"]!.GetValue<int>().ShouldBeLessThanOrEqualTo(86_400);
    }

    private async Task<(Credentials Client, string Grant, Operator Machine)> MachineAsync(params string[] scopes)
    {
        var management = scene.Vault.Issuer + "api/v2/";
        var client = Credentials.Of(await scene.Admin.CreateAsync("clients", new JsonObject { ["name"] = "Machine", ["app_type"] = "non_interactive" }));
        var grant = await scene.Admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = client.ClientId,
            ["audience"] = management,
            ["scope"] = new JsonArray([.. scopes.Select(scope => JsonValue.Create(scope))]),
        });
        var machine = await Operator.SignInAsync(scene.Vault.Api, new JsonObject
        {
            ["client_id"] = client.ClientId,
            ["client_secret"] = client.ClientSecret,
            ["audience"] = management,
        });
        return (client, grant["id"]!.GetValue<string>(), machine);
    }
}
