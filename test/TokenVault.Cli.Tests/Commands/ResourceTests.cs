using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using TokenVault.Cli.Tests.Running;
using static TokenVault.Cli.Tests.Running.PseudoTerminal;

namespace TokenVault.Cli.Tests.Commands;

/// <summary>What an operator makes, changes and takes away.</summary>
public sealed class ResourceTests(VaultFixture fixture) : IClassFixture<VaultFixture>
{
    public static TheoryData<string, string, string, string[], string[], string, string> Resources => new()
    {
        { "apps", "client_id", "name", ["--name", "{name}", "--type", "regular_web", "--callback-urls", "https://a.example/,https://b.example/"], ["--description", "changed"], "description", "changed" },
        { "apis", "id", "identifier", ["--identifier", "{name}", "--name", "Things", "--scopes", "read:it,write:it", "--token-lifetime", "600"], ["--name", "changed"], "name", "changed" },
        {
            "connections", "id", "name",
            ["--name", "{name}", "--strategy", "oauth2", "--provider-client-id", "x", "--provider-client-secret-file", "{file}", "--authorization-url", "https://p.example/a", "--token-url", "https://p.example/t", "--scopes", "a,b"],
            ["--provider-client-id", "y", "--display-name", "changed"], "display_name", "changed"
        },
        { "users", "user_id", "email", ["--email", "{name}@users.example", "--password-file", "{file}"], ["--name", "changed", "--blocked", "true"], "name", "changed" },
    };

    [Theory]
    [MemberData(nameof(Resources))]
    public async Task T_CL_01_each_can_be_made_shown_changed_and_deleted(string command, string id, string named, string[] create, string[] update, string member, string value)
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var secret = scene.Desk.Write("secret.txt", "correct horse battery staple\n");
        string[] options = [.. create.Select(option => option.Replace("{name}", scene.Name, StringComparison.Ordinal).Replace("{file}", secret, StringComparison.Ordinal))];

        var made = (await scene.Desk.RunAsync([command, "create", "--json", .. options])).Succeeded();
        made.All.ShouldNotContain("correct horse");
        var key = (string)made.Json[id]!;
        ((string)made.Json[named]!).ShouldContain(scene.Name);
        (await scene.Desk.RunAsync(command)).Succeeded().Output.ShouldContain(scene.Name);
        (await scene.Desk.RunAsync(command, "show", key)).Succeeded().Output.ShouldContain(scene.Name);

        (await scene.Desk.RunAsync([command, "update", key, .. update])).Succeeded();
        var shown = (await scene.Desk.RunAsync(command, "show", key, "--json")).Succeeded().Json;
        ((string?)shown[member]).ShouldBe(value);
        if (command == "connections")
        {
            ((string?)shown["options"]!["client_id"]).ShouldBe("y");
            ((string?)shown["options"]!["authorizationURL"]).ShouldBe("https://p.example/a");
        }

        (await scene.Desk.RunAsync(command, "update", key)).ExitCode.ShouldBe(3);
        var unconfirmed = await scene.Desk.RunAsync(command, "delete", key);
        unconfirmed.ExitCode.ShouldBe(3);
        unconfirmed.Errors.ShouldContain("--yes");
        (await scene.Desk.RunAsync(command, "delete", key, "--yes")).Succeeded();
        (await scene.Desk.RunAsync(command, "show", key)).Errors.ShouldContain("There is no");
    }

    [Fact]
    public async Task T_CL_01_a_body_comes_from_a_file_and_a_secret_goes_into_one()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var body = scene.Desk.Write("body.json", new JsonObject { ["name"] = "overridden", ["client_metadata"] = new JsonObject { ["team"] = "a" } }.ToJsonString());
        var made = (await scene.Desk.RunAsync("apps", "create", "--body", body, "--name", scene.Name, "--secret-file", scene.Desk.PathOf("app.secret"), "--json")).Succeeded();

        ((string?)made.Json["name"]).ShouldBe(scene.Name);
        ((string?)made.Json["client_metadata"]!["team"]).ShouldBe("a");
        var first = File.ReadAllText(scene.Desk.PathOf("app.secret")).Trim();
        made.All.ShouldNotContain(first);
        var id = (string)made.Json["client_id"]!;
        (await scene.Desk.RunAsync("apps", "rotate-secret", id, "--yes")).Errors.ShouldContain("--secret-file");
        (await scene.Desk.RunAsync("apps", "rotate-secret", id, "--yes", "--secret-file", scene.Desk.PathOf("app.secret"))).Errors.ShouldContain("there already");
        (await scene.Desk.RunAsync("apps", "rotate-secret", id, "--yes", "--secret-file", scene.Desk.PathOf("second.secret"))).Succeeded();
        File.ReadAllText(scene.Desk.PathOf("second.secret")).Trim().ShouldNotBe(first);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(scene.Desk.PathOf("second.secret")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        (await scene.Desk.RunWithInputAsync("""{"description":"piped"}""", "apps", "update", id, "--body", "-")).Succeeded();
        (await scene.Desk.RunAsync("apps", "update", id, "--body", scene.Desk.Write("wrong.json", "[1"))).ExitCode.ShouldBe(3);
        (await scene.Desk.RunAsync("apps", "update", id, "--first-party", "perhaps")).Errors.ShouldContain("true, false");
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task Who_is_asked_and_says_no_has_changed_nothing()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var id = (string)(await fixture.Operator.CreateAsync("clients", new JsonObject { ["name"] = scene.Name }))["client_id"]!;

        await using (var no = Start(scene.Desk, 200, "apps", "delete", id))
        {
            await no.AnswerAsync("Delete the application " + scene.Name, "n" + Enter);
            (await no.EndAsync()).ShouldBe(1, no.Text);
        }

        (await fixture.Operator.GetAsync("clients/" + id)).Status.ShouldBe(200);
        await using var yes = Start(scene.Desk, 200, "apps", "delete", id);
        await yes.AnswerAsync("Delete the application " + scene.Name, "y" + Enter);
        (await yes.EndAsync()).ShouldBe(0, yes.Text);
        (await fixture.Operator.GetAsync("clients/" + id)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Accounts_and_tokensets_are_disconnected_and_their_tokens_revoked()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        (await scene.Desk.RunAsync(scene.NewApplication("connected_accounts"))).Succeeded();
        await scene.ConnectAsync();
        var account = (await scene.Desk.RunAsync("accounts", fixture.UserId, "--json")).Succeeded().Json.AsArray().Single(a => (string?)a!["connection"] == scene.Name)!;

        (await scene.Desk.RunAsync("accounts", "disconnect", (string)account["id"]!, "--user", fixture.UserId)).ExitCode.ShouldBe(3);
        (await scene.Desk.RunAsync("accounts", "disconnect", (string)account["id"]!, "--user", fixture.UserId, "--yes")).Succeeded();
        (await TokensetsAsync(scene)).ShouldBeEmpty();
        (await scene.Desk.RunAsync("accounts", "disconnect", (string)account["id"]!, "--user", fixture.UserId, "--yes")).Errors.ShouldContain("has no account");
        (await scene.Desk.RunAsync("accounts")).Errors.ShouldContain("login --device --my-account");
        (await scene.Desk.RunAsync("tokensets")).Errors.ShouldContain("the user's id");
        var revocations = (await fixture.Operator.GetAsync($"users/{Uri.EscapeDataString(fixture.UserId)}/token-revocations?take=50")).Json["token_revocations"]!.AsArray();
        revocations.ShouldContain(revocation => (string?)revocation!["connection"] == scene.Name);

        await scene.ConnectAsync();
        var tokenset = (await TokensetsAsync(scene)).ShouldHaveSingleItem()!;
        (await scene.Desk.RunAsync("tokensets", "disconnect", (string)tokenset["id"]!, "--user", fixture.UserId, "--yes")).Succeeded();
        (await TokensetsAsync(scene)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Keys_are_rotated_and_a_previous_one_is_revoked()
    {
        await using var own = await VaultFixture.StartVaultAsync();
        using var desk = await Desk.LoggedInAsync(own);
        var former = (await KeysAsync(desk)).First(key => (bool)key!["current"]! && (string?)key["alg"] == "RS256")!;

        (await desk.RunAsync("keys", "rotate")).ExitCode.ShouldBe(3);
        (await desk.RunAsync("keys", "revoke", (string)former["kid"]!, "--yes")).Errors.ShouldContain("rotate first");
        var rotated = (await desk.RunAsync("keys", "rotate", "--yes", "--json")).Succeeded();
        ((string?)rotated.Json["kid"]).ShouldNotBe((string?)former["kid"]);
        (await desk.RunAsync("keys")).Succeeded().Output.ShouldContain("previous");
        (await desk.RunAsync("keys", "revoke", (string)former["kid"]!, "--yes")).Succeeded();

        // The login was signed by it.
        (await desk.RunAsync("keys")).ExitCode.ShouldBe(4);
        (await desk.RunAsync("login", "--bootstrap", Path.Combine(own.DataDirectory, "bootstrap.json"))).Succeeded();
        (await KeysAsync(desk)).ShouldContain(key => (string?)key!["kid"] == (string?)former["kid"] && (bool)key["revoked"]!);
    }

    private static async Task<JsonArray> KeysAsync(Desk desk) => (await desk.RunAsync("keys", "--json")).Succeeded().Json.AsArray();

    private async Task<List<JsonNode?>> TokensetsAsync(SetupScene scene) =>
        [.. (await scene.Desk.RunAsync("tokensets", fixture.UserId, "--json")).Succeeded().Json.AsArray().Where(set => (string?)set!["connection"] == scene.Name)];
}
