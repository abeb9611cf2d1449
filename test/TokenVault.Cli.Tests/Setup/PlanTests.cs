using System.Text.Json.Nodes;
using TokenVault.Cli.Tests.Running;

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
        string[] arguments = ["setup", "--flavor", "refresh_token_exchange", "--app-id", id, "--connections", "none", "--out", scene.Folder];

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
        string[] arguments = ["setup", "--flavor", "privileged_worker", "--app-name", scene.Name, "--connections", "none", "--out", scene.Folder];
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

    [Theory]
    [InlineData("connected_accounts")]
    [InlineData("access_token_exchange", "--create-api-client", "--api-client-name", "API", "--api-identifier", "https://honest.example")]
    [InlineData("privileged_worker", "--ip-allowlist", "127.0.0.0/8", "--grant", "{name}=openid", "--users-per-hour", "5")]
    public async Task T_CL_05_what_is_planned_is_what_is_sent_and_nothing_else(string flavor, params string[] more)
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        string[] arguments = scene.NewApplication(flavor, [.. more.Select(option => option.Replace("{name}", scene.Name, StringComparison.Ordinal)), "--json"]);
        var plan = (await scene.Desk.RunAsync([.. arguments, "--plan"])).Json["changes"]!.AsArray();
        System.IO.Directory.Exists(scene.Folder).ShouldBeFalse();

        var run = (await scene.Desk.RunAsync([.. arguments, "--debug"])).Succeeded();

        var sent = run.Errors.Split('\n').Where(line => line.StartsWith("> P", StringComparison.Ordinal) && !line.EndsWith("/oauth/token", StringComparison.Ordinal));
        sent.ShouldBe(plan.Select(change => $"> {change!["method"]} {fixture.Vault.Issuer}api/v2/{change["path"]}"));
        plan.Select(change => (string)change!["title"]!).ShouldBe(run.Json["changes"]!.AsArray().Select(change => (string)change!["title"]!));
        run.All.ShouldNotContain(scene.Env("TOKEN_VAULT_CLIENT_SECRET") ?? fixture.Provider.ClientSecret);
        run.All.ShouldNotContain("PRIVATE KEY");
        (await scene.Desk.RunAsync(arguments)).Succeeded().Json["changes"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public async Task T_CL_05_what_somebody_else_changes_meanwhile_is_shown_before_it_is_changed()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var id = (string)(await fixture.Operator.CreateAsync("clients", new JsonObject { ["name"] = scene.Name }))["client_id"]!;
        await using var terminal = PseudoTerminal.Start(scene.Desk, 120, "setup", "--flavor", "connected_accounts", "--app-id", id, "--connections", "none", "--out", scene.Folder);
        await terminal.SeeAsync("Make these changes?");
        await fixture.Operator.PatchAsync("clients/" + id, new JsonObject { ["is_first_party"] = false });

        terminal.Type("y" + PseudoTerminal.Enter);

        (await terminal.EndAsync()).ShouldBe(1, terminal.Text);
        terminal.Text.ShouldContain("Somebody has changed");
        ((bool)(await fixture.Operator.GetAsync("clients/" + id)).Json["is_first_party"]!).ShouldBeFalse();
    }

    [Fact]
    public async Task A_connection_that_is_there_keeps_its_options_and_that_is_said()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var arguments = scene.NewApplication("connected_accounts");
        (await scene.Desk.RunAsync(arguments)).Succeeded().Errors.ShouldNotContain("keeps its");

        string[] other = [.. arguments.Select(option => option == fixture.Provider.ClientId ? "another-client" : option)];
        var run = (await scene.Desk.RunAsync([.. other, "--plan"])).Succeeded();
        run.Errors.ShouldContain("keeps its client_id");
        (await scene.Desk.RunAsync([.. arguments.Select(option => option == "oidc" ? "github" : option)])).Errors.ShouldContain("of the strategy oidc");
    }

    [Fact]
    public async Task T_CL_02_an_environment_file_that_others_can_read_is_refused()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var scene = await SetupScene.CreateAsync(fixture);
        var file = Path.Combine(System.IO.Directory.CreateDirectory(scene.Folder).FullName, ".env");
        File.WriteAllText(file, "TOKEN_VAULT_CLIENT_SECRET='a'\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        var run = await scene.Desk.RunAsync(scene.NewApplication("connected_accounts"));

        run.ExitCode.ShouldBe(1, run.All);
        run.Errors.ShouldContain("chmod 600");
        (await fixture.Operator.GetAsync("clients?per_page=100")).Json.AsArray().ShouldNotContain(client => (string)client!["name"]! == scene.Name);
    }

    [Fact]
    public async Task Where_secrets_cannot_be_kept_none_are_made()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var blocked = Path.Combine(scene.Desk.Write("a-file", ""), "out");

        (await scene.Desk.RunAsync([.. scene.NewApplication("connected_accounts").Select(option => option == scene.Folder ? blocked : option)])).ExitCode.ShouldBe(1);
        (await scene.Desk.RunAsync("apps", "create", "--name", scene.Name, "--secret-file", blocked)).ExitCode.ShouldBe(1);

        var all = (await fixture.Operator.GetAsync("clients?per_page=100")).Json.AsArray();
        all.ShouldNotContain(client => (string)client!["name"]! == scene.Name);
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
}
