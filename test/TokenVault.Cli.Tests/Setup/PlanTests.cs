using System.Text.Json.Nodes;
using TokenVault.Cli.Tests.Running;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Cli.Tests.Setup;

/// <summary>What is planned for an application there is, and what never happens by itself.</summary>
public sealed class PlanTests(VaultFixture fixture) : IClassFixture<VaultFixture>
{
    [Fact]
    public async Task T_CL_05_a_protection_is_lowered_only_when_told_to()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var client = await fixture.Operator.CreateAsync("clients", new JsonObject
        {
            ["name"] = scene.Name,
            ["is_first_party"] = false,
            ["refresh_token"] = new JsonObject { ["rotation_type"] = "rotating", ["expiration_type"] = "expiring", ["token_lifetime"] = 1000, ["idle_token_lifetime"] = 500 },
        });
        var id = (string)client["client_id"]!;
        string[] arguments = ["setup", "--flavor", "refresh_token_exchange", "--app-id", id, "--connections", "none", "--out", SetupScene.Folder];

        var refused = await scene.Desk.RunAsync(arguments);

        refused.ExitCode.ShouldBe(6, refused.All);
        refused.Errors.ShouldContain("refresh tokens stop rotating");
        refused.Errors.ShouldContain("consent");
        ((string?)(await fixture.Operator.GetAsync("clients/" + id)).Json["refresh_token"]!["rotation_type"]).ShouldBe("rotating");

        (await scene.Desk.RunAsync([.. arguments, "--allow-weakening"])).Succeeded();
        var settings = (await fixture.Operator.GetAsync("clients/" + id)).Json["refresh_token"]!;
        ((string?)settings["rotation_type"]).ShouldBe("non-rotating");
        ((string?)settings["expiration_type"]).ShouldBe("expiring");
        ((int)settings["token_lifetime"]!).ShouldBe(1000);
        (await scene.Desk.RunAsync([.. arguments, "--plan"])).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task T_CL_05_a_worker_s_bounds_are_widened_only_when_told_to()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        string[] arguments = ["setup", "--flavor", "privileged_worker", "--app-name", scene.Name, "--connections", "none", "--out", SetupScene.Folder];
        (await scene.Desk.RunAsync(arguments)).Errors.ShouldContain("--ip-allowlist");
        (await scene.Desk.RunAsync([.. arguments, "--ip-allowlist", "10.0.0.0/8", "--users-per-hour", "5"])).Succeeded();

        (await scene.Desk.RunAsync([.. arguments, "--ip-allowlist", "10.0.0.0/8,192.0.2.1"])).ExitCode.ShouldBe(6);
        (await scene.Desk.RunAsync([.. arguments, "--ip-allowlist", "any"])).ExitCode.ShouldBe(6);
        (await scene.Desk.RunAsync([.. arguments, "--ip-allowlist", "10.0.0.0/8", "--users-per-hour", "6"])).ExitCode.ShouldBe(6);
        (await scene.Desk.RunAsync([.. arguments, "--ip-allowlist", "10.0.0.0/8", "--users-per-hour", "4"])).Succeeded();
        (await scene.Desk.RunAsync(arguments)).ExitCode.ShouldBe(0);
        var client = (await fixture.Operator.GetAsync("clients/" + scene.Env("TOKEN_VAULT_CLIENT_ID"))).Json;
        client["token_vault_privileged_access"]!["ip_allowlist"]!.ToJsonString().ShouldBe("[\"10.0.0.0/8\"]");
        ((int)client["token_vault_privileged_access"]!["users_per_hour"]!).ShouldBe(4);
        ((string?)client["token_endpoint_auth_method"]).ShouldBe("private_key_jwt");
    }

    [Fact]
    public async Task A_plan_is_shown_without_secrets_and_changes_nothing()
    {
        using var scene = await SetupScene.CreateAsync(fixture);

        var run = await scene.Desk.RunAsync(scene.NewApplication("connected_accounts", "--plan", "--json"));

        run.ExitCode.ShouldBe(2, run.All);
        var changes = run.Json["changes"]!.AsArray();
        changes.Select(change => $"{change!["method"]} {change["path"]}").ShouldBe(["POST clients", "POST connections", "POST client-grants"]);
        ((string?)changes[1]!["body"]!["options"]!["client_secret"]).ShouldBe("[redacted]");
        ((string)changes[1]!["note"]!).ShouldContain($"{fixture.Vault.Issuer}login/callback/{scene.Name}");
        run.All.ShouldNotContain(fixture.Provider.ClientSecret);
        (await fixture.Operator.GetAsync("clients?per_page=100")).Json.AsArray().ShouldNotContain(client => (string)client!["name"]! == scene.Name);
    }

    [Fact]
    public async Task Public_clients_are_turned_away()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var client = await fixture.Operator.CreateAsync("clients", new JsonObject { ["name"] = scene.Name, ["app_type"] = "spa" });

        var run = await scene.Desk.RunAsync("setup", "--flavor", "connected_accounts", "--app-id", (string)client["client_id"]!, "--connections", "none");

        run.ExitCode.ShouldBe(3);
        run.Errors.ShouldContain("confidential client");
    }

    /// <summary>The calls of the original tool, in its order (SetupToolTests of the server has them with all their members).</summary>
    [Fact]
    public async Task After_the_original_tool_only_its_missing_link_is_left_to_do()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var (api, me) = ($"https://{scene.Name}.example", fixture.Vault.Issuer + "me/");
        var connection = await fixture.Operator.CreateAsync("connections", new JsonObject
        {
            ["name"] = scene.Name,
            ["strategy"] = "oidc",
            ["options"] = fixture.Provider.OidcOptions(),
        });
        var app = Credentials.Of(await fixture.Operator.CreateAsync("clients", new JsonObject
        {
            ["name"] = scene.Name,
            ["app_type"] = "regular_web",
            ["callbacks"] = new JsonArray(Operator.Callback),
            ["grant_types"] = new JsonArray("authorization_code", "implicit", "refresh_token", "client_credentials"),
        }));
        await PatchAsync("clients/" + app.ClientId, new JsonObject
        {
            ["is_first_party"] = true,
            ["oidc_conformant"] = true,
            ["grant_types"] = new JsonArray("authorization_code", "implicit", "refresh_token", "client_credentials", Wire.FederatedExchange),
        });
        var options = connection["options"]!.DeepClone();
        options["connected_accounts"] = new JsonObject { ["active"] = true };
        await PatchAsync("connections/" + connection["id"], new JsonObject { ["options"] = options });
        await PatchAsync("connections/" + connection["id"], new JsonObject { ["enabled_clients"] = new JsonArray(app.ClientId) });
        await fixture.Operator.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = app.ClientId,
            ["audience"] = me,
            ["scope"] = Scopes(),
            ["subject_type"] = "user",
        });
        var settings = (await fixture.Operator.GetAsync("clients/" + app.ClientId)).Json["refresh_token"]!.DeepClone();
        settings["policies"]!.AsArray().Add((JsonNode)new JsonObject { ["audience"] = me, ["scope"] = Scopes() });
        await PatchAsync("clients/" + app.ClientId, new JsonObject { ["refresh_token"] = settings });
        await fixture.Operator.CreateAsync("resource-servers", new JsonObject
        {
            ["identifier"] = api,
            ["name"] = "API",
            ["signing_alg"] = "RS256",
            ["allow_offline_access"] = true,
        });
        await fixture.Operator.CreateAsync("clients", new JsonObject
        {
            ["name"] = "Custom API Client of " + scene.Name,
            ["app_type"] = "non_interactive",
            ["grant_types"] = new JsonArray("client_credentials", Wire.FederatedExchange),
        });

        string[] arguments =
        [
            "setup", "--flavor", "access_token_exchange", "--app-id", app.ClientId, "--connections", scene.Name, "--create-api-client", "--api-identifier", api,
            "--api-client-name", "Custom API Client of " + scene.Name, "--out", SetupScene.Folder,
        ];
        var run = (await scene.Desk.RunAsync([.. arguments, "--json"])).Succeeded();

        run.Json["changes"]!.AsArray().Select(change => (string)change!["title"]!).ShouldBe(
            [$"Link the client Custom API Client of {scene.Name} to the API {api}", $"Enable the connection {scene.Name}"]);
        (await scene.Desk.RunAsync([.. arguments, "--plan"])).ExitCode.ShouldBe(0);
    }

    private static JsonArray Scopes() => new(Wire.CreateConnectedAccounts, Wire.ReadConnectedAccounts, Wire.DeleteConnectedAccounts);

    private async Task PatchAsync(string path, JsonObject body) => (await fixture.Operator.PatchAsync(path, body)).Status.ShouldBe(200);
}
