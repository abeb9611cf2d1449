using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using TokenVault.Cli.Tests.Running;
using static TokenVault.Cli.Tests.Running.PseudoTerminal;

namespace TokenVault.Cli.Tests.Setup;

/// <summary>What can go wrong, and what is said then.</summary>
public sealed class ProblemTests(VaultFixture fixture) : IClassFixture<VaultFixture>
{
    /// <summary>On the terminal, on the lines of the plan, and on the shell.</summary>
    private const string Evil = "\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202Eevil\r\n\u001b[1;31m$(touch pwned)'`touch pwned`";

    [Fact]
    public async Task Without_a_terminal_the_missing_options_are_named_all_at_once()
    {
        using var scene = await SetupScene.CreateAsync(fixture);

        var run = await scene.Desk.RunAsync("setup", "--app-setup", "new");

        run.ExitCode.ShouldBe(3, run.All);
        run.Errors.ShouldContain("--flavor");
        run.Errors.ShouldContain("--app-name");
        run.Errors.ShouldContain("--app-type");
        run.Errors.ShouldContain("--connections");
        (await scene.Desk.RunAsync("setup", "--flavor", "wrong")).Errors.ShouldContain("connected_accounts");
        (await scene.Desk.RunAsync(scene.NewApplication("connected_accounts", "--connection-option", "client_secret=abc"))).ExitCode.ShouldBe(3);
    }

    [Fact]
    public async Task A_missing_scope_is_named_and_what_was_begun_is_finished_by_the_next_run()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var (id, secret) = await fixture.NarrowClientAsync(
            "read:clients", "create:clients", "read:connections", "create:connections", "read:client_grants", "read:resource_servers");
        scene.Desk.Environment["TOKENVAULT_CLIENT_SECRET"] = secret;
        string[] narrow = ["--domain", fixture.Domain, "--client-id", id, "--ca", fixture.AuthorityFile];

        var refused = await scene.Desk.RunAsync([.. scene.NewApplication("connected_accounts"), .. narrow]);

        refused.ExitCode.ShouldBe(4, refused.All);
        refused.Errors.ShouldContain("Missing scope: create:client_grants");
        var made = scene.Env("TOKEN_VAULT_CLIENT_ID");
        made.ShouldNotBeNull();
        scene.Env("TOKEN_VAULT_CLIENT_SECRET").ShouldNotBeNull();

        var rest = (await scene.Desk.RunAsync(scene.NewApplication("connected_accounts", "--json"))).Succeeded();
        rest.Json["changes"]!.AsArray().ShouldHaveSingleItem()!["path"]!.GetValue<string>().ShouldBe("client-grants");
        ((string?)rest.Json["client_id"]).ShouldBe(made);
        (await scene.ConnectAsync()).Status.ShouldBe(200);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task Killed_in_the_middle_it_is_finished_by_the_next_run()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        await using (var terminal = Start(scene.Desk, 100, [.. scene.NewApplication("connected_accounts"), "--yes"]))
        {
            await terminal.SeeAsync("Create the application");
            await terminal.SeeAsync("Create the application");
        }

        (await scene.Desk.RunAsync(scene.NewApplication("connected_accounts"))).Succeeded();

        (await scene.ConnectAsync()).Status.ShouldBe(200);
        var all = (await fixture.Operator.GetAsync("clients?per_page=100")).Json.AsArray();
        all.Count(client => (string)client!["name"]! == scene.Name).ShouldBe(1);
    }

    [Theory]
    [InlineData("expires_at", "2020-01-01T00:00:00.0000000+00:00", "has expired", 4)]
    [InlineData("access_token", "eyJhbGciOiJub25lIn0.e30.", "has ended or was taken back", 4)]
    [InlineData("issuer", "https://localhost:1/", "cannot be reached", 5)]
    [InlineData("ca_certificate", null, "is not trusted", 5)]
    public async Task A_login_that_is_good_for_nothing_is_explained(string member, string? value, string message, int exitCode)
    {
        using var desk = await Desk.LoggedInAsync(fixture.Vault);
        var file = Path.Combine(desk.ConfigDirectory, "profiles.json");
        var json = JsonNode.Parse(File.ReadAllText(file))!;
        json["profiles"]![fixture.Domain]![member] = value;
        File.WriteAllText(file, json.ToJsonString());

        var run = await desk.RunAsync("setup", "--flavor", "connected_accounts", "--app-name", "x", "--app-type", "regular", "--connections", "none");

        run.ExitCode.ShouldBe(exitCode, run.All);
        run.Errors.ShouldContain(message);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task T_CL_03_a_hostile_server_cannot_control_the_terminal()
    {
        await using var server = await StubServer.StartAsync(request => (request.Path.Value!.StartsWith("/api/v2/clients/", StringComparison.Ordinal) ? 400 : 200, Attack(request)));
        using var desk = new Desk();
        var authority = desk.Write("ca.pem", server.Authority);
        var secret = desk.Write("secret.txt", "a-secret-of-ours");
        (await desk.RunAsync("login", "--domain", server.Domain, "--ca", authority, "--client-id", "x", "--client-secret-file", secret)).Errors.ShouldNotContain("pwned\u0007");

        await using var terminal = Start(desk, 100, "setup", "--debug");
        await terminal.AnswerAsync("What is to be exchanged", Enter);
        await terminal.SeeAsync("Which application?");
        await terminal.SeeAsync("evil");
        terminal.Type(Down + Enter);
        await terminal.SeeAsync("Which connections?");
        await terminal.SeeAsync("evil");
        terminal.Type(" " + Enter);
        await terminal.AnswerAsync("Create a connection?", "n" + Enter);

        (await terminal.EndAsync()).ShouldNotBe(0);
        terminal.Raw.ShouldNotContain("\u001b]0;");
        terminal.Raw.ShouldNotContain("\u001b[2J");
        terminal.Raw.ShouldNotContain("\u009b");
        terminal.Raw.ShouldNotContain("\u202E");
        File.Exists(desk.PathOf("pwned")).ShouldBeFalse();
    }

    [Theory]
    [InlineData(20)]
    [InlineData(28)]
    [InlineData(60)]
    [SupportedOSPlatform("linux")]
    public async Task A_narrow_terminal_without_colour_is_enough(int columns)
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        scene.Desk.Environment["NO_COLOR"] = "1";
        await using var terminal = Start(scene.Desk, columns, scene.NewApplication("refresh_token_exchange"));

        await terminal.AnswerAsync("changes?", "n" + Enter);

        (await terminal.EndAsync()).ShouldBe(1, terminal.Text);
        terminal.Text.ShouldContain("Nothing was changed.");
        terminal.Raw.ShouldNotMatch("\u001b\\[[0-9;]*3[0-7]m");
        terminal.Raw.ShouldNotContain("\u001b[38;");
        File.Exists(scene.Desk.PathOf("out/.env")).ShouldBeFalse();
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task Interrupted_at_a_question_nothing_has_changed()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        await using var terminal = Start(scene.Desk, 100, scene.NewApplication("connected_accounts"));

        await terminal.AnswerAsync("Make these changes?", Interrupt);

        (await terminal.EndAsync()).ShouldBe(1, terminal.Text);
        terminal.Text.ShouldContain("Interrupted");
        File.Exists(scene.Desk.PathOf("out/.env")).ShouldBeFalse();
    }

    private static JsonObject Attack(HttpRequest request) => request.Path.Value switch
    {
        "/oauth/token" => new JsonObject { ["access_token"] = "a-token", ["expires_in"] = 3600, ["scope"] = Evil },
        "/api/v2/clients" => List("clients", new JsonObject { ["client_id"] = Evil, ["name"] = Evil, ["app_type"] = "regular_web" }),
        "/api/v2/connections" => List("connections", new JsonObject { ["id"] = Evil, ["name"] = Evil, ["strategy"] = Evil, ["options"] = new JsonObject() }),
        _ => new JsonObject { ["statusCode"] = 400, ["message"] = Evil, ["client_id"] = Evil, ["client_secret"] = Evil },
    };

    private static JsonObject List(string member, JsonObject item) => new() { [member] = new JsonArray(item) };
}
