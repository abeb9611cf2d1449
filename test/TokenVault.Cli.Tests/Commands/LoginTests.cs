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

        var run = (await desk.RunProcessAsync("login", "--bootstrap", fixture.BootstrapFile)).Succeeded();

        run.Errors.ShouldContain("> POST " + fixture.Vault.Issuer + "oauth/token");
        run.Errors.ShouldContain("client_secret=[redacted]");
        run.Errors.ShouldContain("< 200");
        run.All.ShouldNotContain(fixture.ClientSecret);
        run.All.ShouldNotContain("eyJ");
    }

    [Theory]
    [InlineData("--client-secret", "s3cr3t-value")]
    [InlineData("--client-secret=s3cr3t-value")]
    [InlineData("--client-secret:s3cr3t-value")]
    [InlineData("--token", "s3cr3t-value")]
    [InlineData("--unheard-of", "s3cr3t-value")]
    [InlineData("--domain", "https://ann:s3cr3t-value@localhost")]
    [InlineData("--domain", "ann:s3cr3t-value@localhost")]
    public async Task T_CL_01_what_was_given_as_an_argument_by_mistake_is_not_repeated(params string[] arguments)
    {
        using var desk = new Desk();

        var run = await desk.RunAsync(["login", .. arguments, "--debug"]);

        run.ExitCode.ShouldBe(3, run.All);
        run.All.ShouldNotContain("s3cr3t-value");
    }

    [Fact]
    public async Task Logins_at_the_same_time_are_all_kept()
    {
        using var desk = new Desk();

        var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => desk.RunAsync("login", "--bootstrap", fixture.BootstrapFile, "--profile", $"p{i}")));

        runs.ShouldAllBe(run => run.ExitCode == 0);
        (await desk.RunAsync("profiles", "list", "--json")).Succeeded().Json.AsArray().Count.ShouldBe(8);
    }

    [Fact]
    public async Task T_CL_02_a_profile_that_is_a_link_is_replaced_and_what_it_leads_to_stays()
    {
        using var desk = await Desk.LoggedInAsync(fixture.Vault);
        var file = Path.Combine(desk.ConfigDirectory, "profiles.json");
        var elsewhere = desk.PathOf("elsewhere.json");
        File.Move(file, elsewhere);
        File.CreateSymbolicLink(file, elsewhere);
        var before = File.ReadAllText(elsewhere);

        (await desk.RunAsync("login", "--bootstrap", fixture.BootstrapFile, "--profile", "second")).Succeeded();

        File.ReadAllText(elsewhere).ShouldBe(before);
        new FileInfo(file).LinkTarget.ShouldBeNull();
    }

    /// <summary>Each is a process, with the umask and the folders that it finds.</summary>
    [Theory]
    [InlineData("umask 000; XDG_CONFIG_HOME=$PWD/xdg tokenvault login --bootstrap \"$0\" && stat -c %a xdg/tokenvault xdg/tokenvault/profiles.json", "700\n600\n")]
    [InlineData("unset XDG_CONFIG_HOME; HOME=$PWD/home tokenvault login --bootstrap \"$0\" && stat -c %a home/.config/tokenvault/profiles.json", "600\n")]
    public async Task T_CL_02_wherever_it_is_the_profile_is_for_its_owner_only(string script, string output)
    {
        using var desk = new Desk();
        desk.Environment["TOKENVAULT_CONFIG_DIR"] = "";

        var run = await desk.RunProgramAsync("sh", "-c", script, fixture.BootstrapFile);

        run.Output.ShouldBe(output, run.All);
    }

    private static async Task ExpectAsync(Desk desk, int exitCode, string text, string[] arguments)
    {
        var run = await desk.RunAsync(arguments);
        run.ExitCode.ShouldBe(exitCode, run.All);
        run.Errors.ShouldContain(text);
    }
}
