using TokenVault.Cli.Tests.Running;
using TokenVault.Server.Demo;

namespace TokenVault.Cli.Tests.Commands;

public sealed class LoginTests(VaultFixture fixture) : IClassFixture<VaultFixture>
{
    [Fact]
    public async Task Login_by_bootstrap_makes_a_profile_that_no_one_else_can_read()
    {
        using var desk = await Desk.LoggedInAsync(fixture.Vault);
        var file = Path.Combine(desk.ConfigDirectory, "profiles.json");

        File.ReadAllText(file).ShouldNotContain(fixture.ClientSecret);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            File.GetUnixFileMode(desk.ConfigDirectory).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var listed = (await desk.RunAsync("profiles", "list", "--json")).Succeeded().Json.AsArray().ShouldHaveSingleItem()!;
        ((string?)listed["name"]).ShouldBe(fixture.Domain);
        ((bool)listed["current"]!).ShouldBeTrue();
    }

    [Fact]
    public async Task T_CL_02_a_profile_that_others_can_read_is_refused()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var desk = await Desk.LoggedInAsync(fixture.Vault);
        var file = Path.Combine(desk.ConfigDirectory, "profiles.json");
        File.SetUnixFileMode(file, File.GetUnixFileMode(file) | UnixFileMode.GroupRead);

        var run = await desk.RunAsync("profiles", "list");

        run.ExitCode.ShouldBe(1);
        run.Errors.ShouldContain("Other users can read");
        run.Errors.ShouldContain("chmod 600");
    }

    [Fact]
    public async Task Several_servers_are_several_profiles()
    {
        using var desk = await Desk.LoggedInAsync(fixture.Vault);
        var secret = desk.Write("secret.txt", fixture.ClientSecret + "\n");

        (await desk.RunAsync("login", "--profile", "second", "--domain", fixture.Domain, "--client-id", fixture.ClientId, "--client-secret-file", secret, "--ca", fixture.AuthorityFile)).Succeeded();
        (await desk.RunAsync("profiles", "use", fixture.Domain)).Succeeded();
        (await desk.RunWithInputAsync(
            fixture.ClientSecret, "login", "--profile", "third", "--domain", fixture.Vault.Issuer, "--client-id", fixture.ClientId, "--client-secret-stdin", "--ca", fixture.AuthorityFile)).Succeeded();
        (await desk.RunAsync("logout")).Succeeded();

        var table = (await desk.RunAsync("profiles", "list")).Succeeded().Output;
        table.ShouldContain("second");
        table.ShouldNotContain("third");
        (await desk.RunAsync("profiles", "use", "third")).ExitCode.ShouldBe(3);
    }

    [Fact]
    public async Task What_is_wrong_is_said()
    {
        using var desk = new Desk();
        var wrong = desk.Write("wrong.txt", "not the secret");
        string[] client = ["--client-id", fixture.ClientId, "--client-secret-file", wrong];

        await ExpectAsync(desk, 5, "cannot be reached", ["login", "--domain", $"localhost:{LoopbackHttp.FreePort()}", .. client]);
        await ExpectAsync(desk, 5, "is not trusted", ["login", "--domain", fixture.Domain, .. client]);
        await ExpectAsync(desk, 5, "--ca ca.pem", ["login", "--domain", fixture.Domain, .. client]);
        await ExpectAsync(desk, 5, "There is no host", ["login", "--domain", "nowhere.invalid", .. client]);
        await ExpectAsync(desk, 5, "calls itself https://localhost", ["login", "--domain", fixture.Domain.Replace("localhost", "127.0.0.1", StringComparison.Ordinal), "--ca", fixture.AuthorityFile, .. client]);
        await ExpectAsync(desk, 4, "does not know this client", ["login", "--domain", fixture.Domain, "--ca", fixture.AuthorityFile, .. client]);
        await ExpectAsync(desk, 3, "Not a server's domain", ["login", "--domain", "http://localhost/", .. client]);
        await ExpectAsync(desk, 3, "--domain or --bootstrap", ["login"]);
        await ExpectAsync(desk, 3, "no certificate", ["login", "--domain", fixture.Domain, "--ca", wrong, .. client]);
        await ExpectAsync(desk, 3, "Unrecognized", ["login", "--client-secret", fixture.ClientSecret]);
    }

    [Fact]
    public async Task T_CL_01_debug_output_shows_messages_without_their_secrets()
    {
        using var desk = new Desk();
        desk.Environment["DEBUG"] = "true";

        var run = (await desk.RunAsync("login", "--bootstrap", fixture.BootstrapFile)).Succeeded();

        run.Errors.ShouldContain("> POST " + fixture.Vault.Issuer + "oauth/token");
        run.Errors.ShouldContain("client_secret=[redacted]");
        run.Errors.ShouldContain("< 200");
        run.All.ShouldNotContain(fixture.ClientSecret);
        run.All.ShouldNotContain("eyJ");
    }

    private static async Task ExpectAsync(Desk desk, int exitCode, string text, string[] arguments)
    {
        var run = await desk.RunAsync(arguments);
        run.ExitCode.ShouldBe(exitCode, run.All);
        run.Errors.ShouldContain(text);
    }
}
