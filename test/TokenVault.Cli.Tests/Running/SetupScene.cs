using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Cli.Tests.Running;

/// <summary>A setup by options, and the user and the shell that afterwards use what it made.</summary>
internal sealed class SetupScene(VaultFixture fixture, Desk desk) : IDisposable
{
    private readonly Browser _browser = fixture.Vault.NewBrowser();

    public Desk Desk { get; } = desk;

    public string Folder => Desk.Out;

    public string Name { get; } = "app-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));

    public static async Task<SetupScene> CreateAsync(VaultFixture fixture) => new(fixture, await Desk.LoggedInAsync(fixture.Vault));

    /// <summary>A new application with a new connection to the provider.</summary>
    public string[] NewApplication(string flavor, params string[] more) =>
    [
        "setup", "--flavor", flavor, "--app-setup", "new", "--app-name", Name, "--app-type", "regular", "--callback-urls", Operator.Callback, "--logout-urls", "https://app.example/",
        "--create-connection", "oidc", "--connection-name", Name, "--connection-client-id", fixture.Provider.ClientId,
        "--connection-client-secret-file", Desk.Write("provider.txt", fixture.Provider.ClientSecret),
        "--connection-scopes", "openid,profile,email,offline_access",
        "--connection-option", "discovery_url=" + fixture.Provider.Sandbox.DiscoveryUrl, "--out", Folder, .. more,
    ];

    public string? Env(string name) => File.ReadLines(Path.Combine(Folder, ".env"))
        .Where(line => line.StartsWith(name + "=", StringComparison.Ordinal))
        .Select(line => line[(name.Length + 1)..].Trim('\''))
        .FirstOrDefault(value => value.Length > 0);

    public Application Application => new(fixture.Vault.Api, new Credentials(Env("TOKEN_VAULT_CLIENT_ID")!, Env("TOKEN_VAULT_CLIENT_SECRET")!));

    /// <summary>The user signs in and connects their account.</summary>
    public async Task<Answer> ConnectAsync(string? audience = null)
    {
        var tokens = await Application.SignInAsync(_browser, VaultFixture.Email, VaultFixture.Password, audience, "openid offline_access");
        tokens.Status.ShouldBe(200, tokens.Text);
        var mine = await Application.RefreshAsync(tokens["refresh_token"]!, fixture.Vault.Issuer + "me/", Wire.CreateConnectedAccounts);
        var (_, complete) = await Application.ConnectAsync(_browser, mine["access_token"]!, Env("TOKEN_VAULT_CONNECTION")!);
        (await Application.CompleteAsync(mine["access_token"]!, complete)).Status.ShouldBe(201);
        return tokens;
    }

    /// <summary>What the tool printed under a title, run by a shell as it stands.</summary>
    public async Task<JsonNode> RunPrintedAsync(ToolRun run, string title, string variable, string value)
    {
        var sample = run.Output[(run.Output.IndexOf(title, StringComparison.Ordinal) + title.Length)..];
        var script = Desk.Write("printed.sh", sample[..sample.IndexOf("\n\n", StringComparison.Ordinal)] + "\n");
        var start = Desk.StartInfo("sh", [script]);
        start.Environment[variable] = value;
        start.Environment["PATH"] = WatchedCurl() + Path.PathSeparator + start.Environment["PATH"];
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, output + await errors);
        ExpectNoSecretIn(await File.ReadAllTextAsync(Desk.PathOf("arguments.txt")), value.Contains('|') ? null : value);
        return JsonNode.Parse(output)!;
    }

    /// <summary>A <c>curl</c> that notes what it is called with, as anybody on the machine can see it.</summary>
    private string WatchedCurl()
    {
        var folder = Directory.CreateDirectory(Desk.PathOf("bin")).FullName;
        var script = Path.Combine(folder, "curl");
        File.WriteAllText(script, $"#!/bin/sh\nprintf '%s\\n' \"$@\" >> '{Desk.PathOf("arguments.txt")}'\nPATH=\"${{PATH#*:}}\" exec curl \"$@\"\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return folder;
    }

    /// <summary>T-CL-01.</summary>
    private void ExpectNoSecretIn(string arguments, string? token)
    {
        arguments.ShouldContain("oauth/token");
        foreach (var secret in new[] { token, Env("TOKEN_VAULT_CLIENT_SECRET"), Env("TOKEN_VAULT_API_CLIENT_SECRET"), "eyJ" }.OfType<string>())
        {
            arguments.ShouldNotContain(secret);
        }
    }

    public void Dispose()
    {
        _browser.Dispose();
        Desk.Dispose();
    }
}
