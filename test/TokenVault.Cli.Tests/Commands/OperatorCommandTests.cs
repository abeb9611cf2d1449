using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using TokenVault.Cli.Tests.Running;

namespace TokenVault.Cli.Tests.Commands;

public sealed class OperatorCommandTests(VaultFixture fixture) : IClassFixture<VaultFixture>
{
    [Fact]
    public async Task What_setup_made_can_be_listed_exchanged_and_examined()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        (await scene.Desk.RunAsync(scene.NewApplication("refresh_token_exchange"))).Succeeded();
        var tokens = await scene.ConnectAsync();

        (await scene.Desk.RunAsync("apps")).Succeeded().Output.ShouldContain(scene.Name);
        (await scene.Desk.RunAsync("apis", "--json")).Succeeded().Json.AsArray().ShouldContain(api => (string)api!["identifier"]! == fixture.Vault.Issuer + "me/");
        (await scene.Desk.RunAsync("connections")).Succeeded().Output.ShouldContain($"{fixture.Vault.Issuer}login/callback/{scene.Name}");
        (await scene.Desk.RunAsync("users", "--json")).Succeeded().Json.AsArray().ShouldContain(user => (string)user!["user_id"]! == fixture.UserId);

        (await scene.Desk.RunAsync("accounts", fixture.UserId)).Succeeded().Output.ShouldContain("cac_");
        (await scene.Desk.RunAsync("tokensets", fixture.UserId, "--json")).Succeeded().Json.AsArray().ShouldContain(set => (string)set!["connection"]! == scene.Name);
        (await scene.Desk.RunAsync("keys")).Succeeded().Output.ShouldContain("current");

        var exchanged = (await scene.Desk.RunWithInputAsync(tokens["refresh_token"]!, "exchange", "--out", scene.Folder, "--json")).Succeeded();
        ((string?)exchanged.Json["access_token"]).ShouldBe("[redacted]");
        var shown = (await scene.Desk.RunWithInputAsync(tokens["refresh_token"]!, "exchange", "--out", scene.Folder, "--show-token")).Succeeded();
        fixture.Provider.IsLive((string)shown.Json["access_token"]!).ShouldBeTrue();
        var failed = await scene.Desk.RunWithInputAsync("no-token", "exchange", "--out", scene.Folder);
        failed.ExitCode.ShouldBe(1);
        failed.Errors.ShouldContain("The exchange failed");

        (await scene.Desk.RunAsync("logs", "tail", "--once", "--last", "100")).Succeeded().Output.ShouldContain(scene.Name);
        var examined = await scene.Desk.RunAsync("doctor", "--json");
        examined.Json.AsArray().ShouldContain(finding => (string)finding!["subject"]! == "connection " + scene.Name && (string)finding["verdict"]! == "good"
            && ((string)finding["text"]!).Contains("the server reaches its provider", StringComparison.Ordinal));
        examined.Succeeded();
    }

    [Fact]
    public async Task The_doctor_says_what_is_wrong_and_what_to_do()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var connection = await fixture.Operator.CreateAsync("connections", new JsonObject
        {
            ["name"] = scene.Name,
            ["strategy"] = "oauth2",
            ["options"] = new JsonObject
            {
                ["client_id"] = "x",
                ["client_secret"] = "y",
                ["authorizationURL"] = "https://nowhere.invalid/authorize",
                ["tokenURL"] = "https://nowhere.invalid/token",
            },
        });
        (await scene.Desk.RunAsync("doctor")).Output.ShouldContain("is enabled for no application");
        await fixture.Operator.PatchAsync("connections/" + connection["id"], new JsonObject { ["enabled_clients"] = new JsonArray(fixture.ClientId) });

        var run = await scene.Desk.RunAsync("doctor");
        await fixture.Operator.DeleteAsync("connections/" + connection["id"]);

        run.ExitCode.ShouldBe(1, run.All);
        run.Output.ShouldContain("the server does not reach token_endpoint https://nowhere.invalid/token, authorization_endpoint https://nowhere.invalid/authorize: dns");
        run.Output.ShouldContain("✓ storage");
        var (id, secret) = await fixture.NarrowClientAsync("read:clients");
        var narrow = await scene.Desk.RunWithInputAsync(secret, "doctor", "--domain", fixture.Domain, "--ca", fixture.AuthorityFile, "--client-id", id, "--client-secret-stdin");
        narrow.ExitCode.ShouldBe(1);
        narrow.Output.ShouldContain("Missing scope: read:connections");
        (await scene.Desk.RunAsync("doctor", "--domain", "localhost:1")).Output.ShouldContain("cannot be reached");
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task The_log_is_followed_until_it_is_interrupted()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        await using var terminal = PseudoTerminal.Start(scene.Desk, 200, "logs", "tail", "--last", "1");
        await terminal.SeeAsync("Z  ");
        var marked = await fixture.Operator.CreateAsync("clients", new JsonObject { ["name"] = scene.Name });

        await terminal.SeeAsync("Create a client");
        terminal.Type(PseudoTerminal.Interrupt);

        (await terminal.EndAsync()).ShouldBe(0, terminal.Text);
        terminal.Text.ShouldNotContain("Error");
        marked.ShouldNotBeNull();
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task The_log_is_followed_until_nobody_reads_it()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var following = scene.Desk.RunProgramAsync("sh", "-c", "tokenvault logs tail --last 1 | head -n 2");
        while (!following.IsCompleted)
        {
            await fixture.Operator.CreateAsync("clients", new JsonObject { ["name"] = scene.Name });
            await Task.WhenAny(following, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System));
        }

        var run = await following;
        run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(2);
        run.Errors.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("tokenvault setup --help | head -n 1")]
    [InlineData("tokenvault --help >&-")]
    [InlineData("tokenvault apps 2>&-")]
    [InlineData("tokenvault --nonsense 2>&-")]
    [InlineData("tokenvault profiles list >&- 2>&-")]
    [InlineData("tokenvault login <&-")]
    public async Task What_it_writes_to_may_be_closed(string script)
    {
        using var desk = new Desk();

        var run = await desk.RunProgramAsync("bash", "-c", script + "; for status in ${PIPESTATUS[*]}; do [ $status -lt 128 ] || exit 128; done");

        run.ExitCode.ShouldBe(0, run.All);
        run.All.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Shells_complete_commands_and_options()
    {
        using var desk = new Desk();
        (await desk.RunAsync("completion", "bash")).Succeeded().Output.ShouldContain("complete -o default -F _tokenvault tokenvault");
        var completed = await desk.RunProgramAsync(
            "bash", "-c", "source <(tokenvault completion bash); COMP_LINE='tokenvault do' COMP_POINT=13 COMP_CWORD=1; COMP_WORDS=(tokenvault do); _tokenvault; echo \"${COMPREPLY[@]}\"");
        completed.Output.ShouldBe("doctor\n", completed.All);
        (await desk.RunAsync("[suggest:13]", "tokenvault do")).Succeeded().Output.ShouldStartWith("doctor");
        (await desk.RunAsync("completion", "tcsh")).ExitCode.ShouldBe(3);
    }
}
