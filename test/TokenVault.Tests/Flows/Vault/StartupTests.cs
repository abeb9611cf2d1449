using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

public sealed class StartupTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tokenvault-test-");
    private readonly string _issuer = $"https://localhost:{LoopbackHttp.FreePort()}/";

    private string RootKey => Path.Combine(_directory.FullName, "root.key");

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        _directory.Delete(recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task The_first_start_leaves_what_an_operator_needs_and_the_next_changes_nothing_of_it()
    {
        var file = Path.Combine(_directory.FullName, "bootstrap.json");
        string content;
        await using (await StartAsync())
        {
            content = await File.ReadAllTextAsync(file);
            var bootstrap = JsonNode.Parse(content)!;
            bootstrap.AsObject().Select(m => m.Key).ShouldBe(["domain", "issuer", "client_id", "client_secret", "audience", "ca_certificate"]);
            ((string?)bootstrap["issuer"]).ShouldBe(_issuer);
            ((string?)bootstrap["domain"]).ShouldBe(new Uri(_issuer).Authority);
            ((string?)bootstrap["audience"]).ShouldBe(_issuer + "api/v2/");
            ((string?)bootstrap["ca_certificate"]).ShouldBe(await File.ReadAllTextAsync(Path.Combine(_directory.FullName, "tls", "ca.pem")));
            Mode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            (Mode(RootKey) & ~UnixFileMode.UserRead).ShouldBe(UnixFileMode.None);
            (Mode(Path.Combine(_directory.FullName, "vault.db")) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite)).ShouldBe(UnixFileMode.None);

            // The certificate that the server shows is trusted by nothing but that authority.
            using var authority = X509Certificate2.CreateFromPem((string)bootstrap["ca_certificate"]!);
            using var vault = new VaultApi(_issuer, authority);
            await Operator.SignInAsync(vault, bootstrap);
            foreach (var path in (string[])["health/live", "health/ready"])
            {
                var health = await vault.SendAsync(HttpMethod.Get, path);
                (health.Status, health["status"]).ShouldBe((200, "ok"));
            }

            using var stranger = LoopbackHttp.Client(trusted: null);
            await Should.ThrowAsync<HttpRequestException>(() => stranger.GetAsync(new Uri(_issuer)));
        }

        await using (await StartAsync())
        {
            (await File.ReadAllTextAsync(file)).ShouldBe(content);
        }
    }

    [Fact]
    public async Task F_28_A_second_server_on_the_same_data_is_refused_in_one_clear_line()
    {
        await using var first = await StartAsync();

        var refusal = await RefusalAsync(("TokenVault:Issuer", $"https://localhost:{LoopbackHttp.FreePort()}/"));

        refusal.ShouldStartWith("Another process uses the database");
        refusal.ShouldContain("vault.db");
        refusal.ShouldNotContain('\n');
    }

    [Fact]
    public async Task F_23_A_wrong_or_missing_root_key_is_refused_by_the_id_of_the_one_that_is_needed()
    {
        await using (await StartAsync())
        {
        }

        var key = Convert.FromBase64String((await File.ReadAllTextAsync(RootKey)).Trim());
        var needed = "root_" + Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 8));
        var kept = RootKey + ".kept";
        File.Move(RootKey, kept);

        var missing = await RefusalAsync();
        missing.ShouldContain(needed);
        File.Exists(RootKey).ShouldBeFalse();

        await WriteKeyAsync(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        var wrong = await RefusalAsync();
        wrong.ShouldContain(needed);
        wrong.ShouldNotContain(Convert.ToBase64String(key));

        foreach (var content in (string[])["", "short", new string('A', 44), "not base64 at all, whatever it is ........"])
        {
            await WriteKeyAsync(content);
            (await RefusalAsync()).ShouldContain(RootKey);
        }

        File.Move(kept, RootKey, overwrite: true);
        SetMode(RootKey, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        (await RefusalAsync()).ShouldContain("chmod 400");
        SetMode(RootKey, UnixFileMode.UserRead);
        await using var again = await StartAsync();
    }

    [Fact]
    public async Task Every_mistake_in_the_configuration_is_reported_at_once()
    {
        var refusal = await RefusalAsync(
            ("TokenVault:Issuer", "http://localhost:8443"),
            ("TokenVault:Isuer", "typo"),
            ("TokenVault:Egress:AllowedNetworks:0", "127.0.0.1/8"),
            ("TokenVault:Egress:CertificateAuthorityFile", "/no/such/ca.pem"),
            ("TokenVault:Egress:AnswerTimeout", "00:02:00"),
            ("TokenVault:Tls:CertificateFile", "/no/such/server.pem"),
            ("TokenVault:Sessions:IdleLifetime", "soon"),
            ("TokenVault:Passwords:Iterations", "9999"),
            ("TokenVault:Proxy:PlainHttp", "yes"),
            ("TokenVault:Storage:ConnectionStringFile", "/no/such/secret"));

        string[] wrong =
        [
            "Issuer", "Isuer", "Egress__AllowedNetworks", "Egress__CertificateAuthorityFile", "Egress__AnswerTimeout", "Tls__CertificateFile",
            "Sessions__IdleLifetime", "Passwords__Iterations must be a number from 10000", "Proxy__PlainHttp", "Storage__ConnectionStringFile",
        ];
        foreach (var setting in wrong)
        {
            refusal.ShouldContain("TokenVault__" + setting);
        }

        _directory.GetFileSystemInfos().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_store_of_another_issuer_is_refused()
    {
        await using (await StartAsync())
        {
        }

        (await RefusalAsync(("TokenVault:Issuer", $"https://localhost:{LoopbackHttp.FreePort()}/"))).ShouldContain(_issuer);
    }

    [Fact]
    public async Task The_process_says_in_one_line_on_stderr_why_it_does_not_start()
    {
        await using var first = await StartAsync();

        var (code, output, error) = await RunAsync([], ("TokenVault__Issuer", $"https://localhost:{LoopbackHttp.FreePort()}/"));

        code.ShouldBe(1);
        error.TrimEnd('\n').ShouldNotContain('\n');
        error.ShouldStartWith("tokenvault-server: Another process uses the database");
        output.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task The_process_reports_a_bad_configuration_and_an_unknown_verb()
    {
        var (code, _, error) = await RunAsync([], ("TokenVault__Issuer", "nonsense"), ("TokenVault__Proxy__PlainHttp", "maybe"));
        code.ShouldBe(1);
        error.ShouldStartWith("tokenvault-server: The configuration is not valid:");
        error.ShouldContain("TokenVault__Issuer");
        error.ShouldContain("TokenVault__Proxy__PlainHttp");
        error.ShouldNotContain("   at ");

        (await RunAsync(["frobnicate"])).Code.ShouldBe(2);
    }

    [Fact]
    public async Task The_process_says_when_its_port_is_taken()
    {
        var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;

        var (code, _, error) = await RunAsync([], ("TokenVault__Issuer", $"https://localhost:{port}/"));

        taken.Stop();
        code.ShouldBe(1);
        error.TrimEnd('\n').ShouldNotContain('\n');
        error.ShouldContain(port.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Nothing_is_watched_below_the_directory_that_the_server_is_started_in()
    {
        await using var server = await StartAsync();
        var files = ((IConfigurationRoot)server.Services.GetRequiredService<IConfiguration>()).Providers.OfType<FileConfigurationProvider>().ToList();
        files.ShouldNotBeEmpty();
        files.ShouldAllBe(file => !file.Source.ReloadOnChange);
    }

    [Fact]
    public async Task How_many_rows_are_remembered_is_a_number() =>
        (await RefusalAsync(("TokenVault:Storage:RememberedRows", "-1"))).ShouldContain("TokenVault__Storage__RememberedRows");

    private Task<TokenVaultServer> StartAsync(params (string Key, string Value)[] settings) =>
        TokenVaultServer.StartAsync([], builder =>
        {
            (string Key, string Value)[] all = [("TokenVault:Issuer", _issuer), ("TokenVault:DataDirectory", _directory.FullName), .. settings];
            foreach (var (key, value) in all)
            {
                builder.Configuration[key] = value;
            }

            builder.Logging.ClearProviders().AddProvider(new TestLog());
        });

    private async Task<string> RefusalAsync(params (string Key, string Value)[] settings) =>
        (await Should.ThrowAsync<StartupException>(() => StartAsync(settings))).Message;

    private async Task WriteKeyAsync(string content)
    {
        File.Delete(RootKey);
        await File.WriteAllTextAsync(RootKey, content);
        SetMode(RootKey, UnixFileMode.UserRead);
    }

    private static void SetMode(string file, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, mode);
        }
    }

    private static UnixFileMode Mode(string file) => new FileInfo(file).UnixFileMode;

    private async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        var dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        var start = new ProcessStartInfo(dotnet) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["exec", typeof(TokenVaultServer).Assembly.Location, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment.Append(("TokenVault__DataDirectory", _directory.FullName)))
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start).ShouldNotBeNull();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
