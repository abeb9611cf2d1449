using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using TokenVault.Cli.Tests.Running;
using TokenVault.Server.Protocol;
using static TokenVault.Cli.Tests.Running.PseudoTerminal;

namespace TokenVault.Cli.Tests.Commands;

/// <summary>A person logs in by a code that they enter in a browser, at the server itself.</summary>
[SupportedOSPlatform("linux")]
public sealed class PersonTests(VaultFixture fixture) : IClassFixture<VaultFixture>
{
    private static readonly string[] Scopes = [Wire.CreateConnectedAccounts, Wire.ReadConnectedAccounts, Wire.DeleteConnectedAccounts];

    [Fact]
    public async Task A_person_sees_and_disconnects_their_own_accounts_the_login_renews_itself_and_logout_ends_it()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        (await scene.Desk.RunAsync(scene.NewApplication("connected_accounts"))).Succeeded();
        await scene.ConnectAsync();
        await LogInAsync(scene.Desk, await ToolClientAsync());
        var account = (await scene.Desk.RunAsync("accounts", "--json")).Succeeded().Json.AsArray().Single(account => (string?)account!["connection"] == scene.Name)!;
        (await scene.Desk.RunAsync("profiles", "list")).Succeeded().Output.ShouldContain("renews itself");
        (await scene.Desk.RunAsync("apps")).Errors.ShouldContain("administers nothing");

        // Of several at once, one renews it, and the others take what that one got.
        Expire(scene.Desk);
        foreach (var run in await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => scene.Desk.RunProcessAsync("accounts"))))
        {
            run.Succeeded().Output.ShouldContain(scene.Name);
        }

        (await scene.Desk.RunAsync("accounts", "disconnect", (string)account["id"]!)).ExitCode.ShouldBe(3);
        Expire(scene.Desk);
        (await scene.Desk.RunAsync("accounts", "disconnect", (string)account["id"]!, "--yes")).Succeeded();
        (await scene.Desk.RunAsync("accounts", "--json")).Succeeded().Json.AsArray().ShouldNotContain(left => (string?)left!["connection"] == scene.Name);

        var kept = File.ReadAllText(ProfilesFile(scene.Desk));
        (await scene.Desk.RunAsync("logout", "--profile", "me")).Succeeded().Errors.ShouldContain("ended at the server");

        // Whoever had a copy of the file cannot go on with it.
        File.WriteAllText(ProfilesFile(scene.Desk), kept);
        Expire(scene.Desk);
        var ended = await scene.Desk.RunAsync("accounts");
        ended.ExitCode.ShouldBe(4, ended.All);
        ended.Errors.ShouldContain("has expired");
        ended.Errors.ShouldContain("--device --my-account");
    }

    /// <summary>The server gives users no tokens of the Management API: whom it is shut to, it stays shut to (T-MG-11).</summary>
    [Fact]
    public async Task Nobody_administers_as_a_person_and_is_told_how_else()
    {
        using var desk = new Desk();

        var run = await desk.RunAsync("login", "--device", "--domain", fixture.Domain, "--ca", fixture.AuthorityFile, "--client-id", await ToolClientAsync());

        run.ExitCode.ShouldBe(4, run.All);
        run.Errors.ShouldContain("--bootstrap");
        run.Errors.ShouldContain("--my-account");
    }

    private async Task<string> ToolClientAsync()
    {
        var client = await fixture.Operator.CreateAsync("clients", new JsonObject
        {
            ["name"] = "Command line",
            ["app_type"] = "native",
            ["token_endpoint_auth_method"] = "none",
            ["grant_types"] = new JsonArray(Wire.DeviceCode, Wire.RefreshToken),
            ["refresh_token"] = new JsonObject { ["rotation_type"] = "rotating", ["expiration_type"] = "expiring" },
        });
        await fixture.Operator.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = client["client_id"]!.DeepClone(),
            ["audience"] = fixture.Vault.Issuer + "me/",
            ["scope"] = new JsonArray([.. Scopes]),
            ["subject_type"] = "user",
        });
        return (string)client["client_id"]!;
    }

    private async Task LogInAsync(Desk desk, string clientId)
    {
        await using var terminal = Start(
            desk, 200, "login", "--device", "--my-account", "--profile", "me", "--domain", fixture.Domain, "--ca", fixture.AuthorityFile, "--client-id", clientId);
        await terminal.SeeAsync("and compare the code: ");
        await terminal.SeeAsync("\n");
        var code = System.Text.RegularExpressions.Regex.Match(terminal.Text, "compare the code: ([A-Z-]+)", default, TimeSpan.FromSeconds(5)).Groups[1].Value;
        using var browser = fixture.Vault.NewBrowser();
        var page = await browser.GoAsync(fixture.Vault.Issuer + "activate");
        page = await browser.SubmitAsync(page, new Dictionary<string, string> { ["user_code"] = code });
        page = await browser.SubmitAsync(page, new Dictionary<string, string> { ["username"] = VaultFixture.Email, ["password"] = VaultFixture.Password });
        page.Html.ShouldContain("Command line");
        (await browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = "allow" })).Html.ShouldContain("Device connected");
        await terminal.SeeAsync("Logged in");
        (await terminal.EndAsync()).ShouldBe(0, terminal.Text);
        terminal.Text.ShouldNotContain("eyJ");
    }

    private static string ProfilesFile(Desk desk) => Path.Combine(desk.ConfigDirectory, "profiles.json");

    private static void Expire(Desk desk)
    {
        var json = JsonNode.Parse(File.ReadAllText(ProfilesFile(desk)))!;
        json["profiles"]!["me"]!["expires_at"] = "2020-01-01T00:00:00.0000000+00:00";
        File.WriteAllText(ProfilesFile(desk), json.ToJsonString());
    }
}
