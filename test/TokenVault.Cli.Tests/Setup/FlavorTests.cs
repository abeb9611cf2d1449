using TokenVault.Cli.Tests.Running;

namespace TokenVault.Cli.Tests.Setup;

/// <summary>From an empty server to a real exchange, by the commands that the tool prints.</summary>
public sealed class FlavorTests(VaultFixture fixture) : IClassFixture<VaultFixture>
{
    private const string Exchange = "The exchange (curl)";

    [Fact]
    public async Task T_CL_01_connected_accounts()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var run = (await scene.Desk.RunAsync(scene.NewApplication("connected_accounts"))).Succeeded();
        run.Output.ShouldContain($"{fixture.Vault.Issuer}login/callback/{scene.Name}");

        var tokens = await scene.ConnectAsync();

        var accounts = await scene.RunPrintedAsync(run, "connected accounts (curl)", "REFRESH_TOKEN", tokens["refresh_token"]!);
        accounts["accounts"]!.AsArray().ShouldContain(account => (string)account!["connection"]! == scene.Name);
        var token = await scene.RunPrintedAsync(run, Exchange, "REFRESH_TOKEN", tokens["refresh_token"]!);
        fixture.Provider.IsLive((string)token["access_token"]!).ShouldBeTrue();
    }

    [Fact]
    public async Task Refresh_token_exchange_and_a_second_run_that_changes_nothing()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var arguments = scene.NewApplication("refresh_token_exchange");
        var run = (await scene.Desk.RunAsync(arguments)).Succeeded();
        var tokens = await scene.ConnectAsync();

        var token = await scene.RunPrintedAsync(run, Exchange, "REFRESH_TOKEN", tokens["refresh_token"]!);
        fixture.Provider.IsLive((string)token["access_token"]!).ShouldBeTrue();

        var secret = scene.Env("TOKEN_VAULT_CLIENT_SECRET");
        run.All.ShouldNotContain(secret!);
        run.All.ShouldNotContain(fixture.Provider.ClientSecret);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(scene.Desk.PathOf("out/.env")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        (await scene.Desk.RunAsync([.. arguments, "--plan"])).Succeeded().Output.ShouldContain("nothing to change");
        var again = (await scene.Desk.RunAsync([.. arguments, "--json"])).Succeeded();
        again.Json["changes"]!.AsArray().ShouldBeEmpty();
        scene.Env("TOKEN_VAULT_CLIENT_SECRET").ShouldBe(secret);
    }

    [Fact]
    public async Task Access_token_exchange_with_the_api_and_its_linked_client()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        var api = $"https://{scene.Name}.example";
        string[] arguments = scene.NewApplication("access_token_exchange", "--create-api-client", "--api-identifier", api, "--api-client-name", scene.Name + " API");
        var run = (await scene.Desk.RunAsync(arguments)).Succeeded();
        var tokens = await scene.ConnectAsync(api);

        var token = await scene.RunPrintedAsync(run, Exchange, "ACCESS_TOKEN", tokens["access_token"]!);

        fixture.Provider.IsLive((string)token["access_token"]!).ShouldBeTrue();
        (await scene.Desk.RunAsync([.. arguments, "--plan"])).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_privileged_worker_with_keys_that_were_made_here()
    {
        using var users = await SetupScene.CreateAsync(fixture);
        (await users.Desk.RunAsync(users.NewApplication("connected_accounts"))).Succeeded();
        await users.ConnectAsync();
        using var scene = await SetupScene.CreateAsync(fixture);
        string[] arguments =
        [
            "setup", "--flavor", "privileged_worker", "--app-setup", "new", "--app-name", scene.Name, "--connections", users.Name,
            "--ip-allowlist", "127.0.0.0/8,::1", "--grant", users.Name + "=openid,profile,email,offline_access", "--users-per-hour", "10", "--out", scene.Folder,
        ];

        var planned = await scene.Desk.RunAsync([.. arguments, "--plan"]);
        planned.ExitCode.ShouldBe(2);
        Directory.Exists(scene.Desk.PathOf(scene.Folder)).ShouldBeFalse();
        var run = (await scene.Desk.RunAsync(arguments)).Succeeded();
        var token = await scene.RunPrintedAsync(run, Exchange, "USER_ID", fixture.UserId);

        fixture.Provider.IsLive((string)token["access_token"]!).ShouldBeTrue();
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(scene.Desk.PathOf("out/subject.key")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        run.All.ShouldNotContain("BEGIN PRIVATE");
        (await scene.Desk.RunAsync([.. arguments, "--plan"])).ExitCode.ShouldBe(0);
    }
}
