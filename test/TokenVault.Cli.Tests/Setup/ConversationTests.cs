using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TokenVault.Cli.Tests.Running;
using TokenVault.Server.Demo;
using static TokenVault.Cli.Tests.Running.PseudoTerminal;

namespace TokenVault.Cli.Tests.Setup;

/// <summary>The conversation, in a terminal, keys and all.</summary>
[SupportedOSPlatform("linux")]
public sealed class ConversationTests(VaultFixture fixture) : IClassFixture<VaultFixture>, IDisposable
{
    private readonly Browser _browser = fixture.Vault.NewBrowser();

    public void Dispose() => _browser.Dispose();

    [Fact]
    public async Task T_CL_04_from_an_empty_server_to_a_token_of_the_provider_in_one_conversation()
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        await using var terminal = Start(scene.Desk, 120, "setup", "--out", scene.Folder, "--no-browser");

        await terminal.AnswerAsync("What is to be exchanged", Down + Enter);
        await terminal.AnswerAsync("Which application?", Enter);
        await AnswerApplicationAsync(terminal, scene);
        await terminal.AnswerAsync("Make these changes?", "y" + Enter);
        await terminal.SeeAsync("The exchange (curl)");
        await terminal.AnswerAsync("Try it", "y" + Enter);
        await VisitAsync(terminal, "Sign in in your browser:");
        await AddCallbackAsync("clients/" + scene.Env("TOKEN_VAULT_CLIENT_ID"), "https://meanwhile.example/");
        await VisitAsync(terminal, "Connect an account in your browser:");
        await terminal.SeeAsync("Exchanged: a token of " + scene.Name);

        (await terminal.EndAsync()).ShouldBe(0, terminal.Text);
        terminal.Text.ShouldNotContain(fixture.Provider.ClientSecret);
        terminal.Text.ShouldNotContain(scene.Env("TOKEN_VAULT_CLIENT_SECRET")!);
        var client = await fixture.Operator.GetAsync("clients/" + scene.Env("TOKEN_VAULT_CLIENT_ID"));
        client.Json["callbacks"]!.ToJsonString().ShouldBe("[\"https://app.example/callback\",\"https://meanwhile.example/\"]");
    }

    [Theory]
    [InlineData("access_token_exchange", "--create-api-client", "--api-client-name", "API", "--api-identifier", "https://tried.example")]
    [InlineData("privileged_worker", "--ip-allowlist", "127.0.0.0/8,::1", "--configure-private-key-jwt", "true")]
    public async Task The_other_flavours_are_tried_as_well(string flavor, params string[] more)
    {
        using var scene = await SetupScene.CreateAsync(fixture);
        await using var terminal = Start(scene.Desk, 120, scene.NewApplication(flavor, [.. more, "--yes", "--try", "--no-browser"]));

        await VisitAsync(terminal, "Sign in in your browser:");
        await VisitAsync(terminal, "Connect an account in your browser:");
        await terminal.SeeAsync("Exchanged: a token of " + scene.Name);

        (await terminal.EndAsync()).ShouldBe(0, terminal.Text);
    }

    private async Task AddCallbackAsync(string path, string url)
    {
        var callbacks = (await fixture.Operator.GetAsync(path)).Json["callbacks"]!.AsArray();
        await fixture.Operator.PatchAsync(path, new JsonObject { ["callbacks"] = new JsonArray([.. callbacks.Select(callback => callback!.DeepClone()), url]) });
    }

    private async Task AnswerApplicationAsync(PseudoTerminal terminal, SetupScene scene)
    {
        await terminal.AnswerAsync("Name of the application:", scene.Name + Enter);
        await terminal.AnswerAsync("Type of the application:", Enter);
        await AnswerConnectionAsync(terminal, scene);
        await terminal.AnswerAsync("Allowed callback URLs", "https://app.example/callback" + Enter);
        await terminal.AnswerAsync("Allowed logout URLs", Enter);
    }

    private async Task AnswerConnectionAsync(PseudoTerminal terminal, SetupScene scene)
    {
        await terminal.SeeAsync("onnections");
        if (!terminal.Text.Contains("no connections", StringComparison.Ordinal))
        {
            terminal.Type(Enter);
        }

        await terminal.AnswerAsync("Create a connection?", "y" + Enter);
        await terminal.SeeAsync("Which provider?");
        terminal.Type(string.Concat(Enumerable.Repeat(Down, 13)) + Enter);
        await terminal.AnswerAsync("Name of the connection:", scene.Name + Enter);
        await terminal.SeeAsync($"{fixture.Vault.Issuer}login/callback/{scene.Name}");
        await terminal.AnswerAsync("discovery_url:", fixture.Provider.Sandbox.DiscoveryUrl + Enter);
        await terminal.AnswerAsync("Client id at the provider:", fixture.Provider.ClientId + Enter);
        await terminal.AnswerAsync("Client secret at the provider:", fixture.Provider.ClientSecret + Enter);
        await terminal.AnswerAsync("Scopes to ask for", "openid,profile,email,offline_access" + Enter);
    }

    /// <summary>Opens the address that the tool printed, as the person's browser.</summary>
    private async Task VisitAsync(PseudoTerminal terminal, string what)
    {
        await terminal.SeeAsync(what);
        await terminal.SeeAsync("https://");
        await terminal.SeeAsync("\n");
        var url = Regex.Matches(terminal.Text, @"^https://\S+$", RegexOptions.Multiline, TimeSpan.FromSeconds(5))[^1].Value;
        await ForgeAsync(url);
        var page = await _browser.GoAsync(url);
        if (page.Html.Contains("name=\"password\"", StringComparison.Ordinal))
        {
            page = await _browser.SubmitAsync(page, new Dictionary<string, string> { ["username"] = VaultFixture.Email, ["password"] = VaultFixture.Password });
        }

        page.Html.ShouldContain("Go back to the terminal");
    }

    /// <summary>T-CL-04: somebody else's answer, without the state, reaches nothing; the real one is still waited for.</summary>
    private static async Task ForgeAsync(string url)
    {
        if (Regex.Match(url, "redirect_uri=([^&]+)", RegexOptions.None, TimeSpan.FromSeconds(5)) is not { Success: true } redirect)
        {
            return;
        }

        var callback = Uri.UnescapeDataString(redirect.Groups[1].Value);
        callback.ShouldStartWith("http://127.0.0.1:");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var guessed = await http.GetAsync(new Uri(callback + "?code=stolen&state=guessed"));
        using var without = await http.GetAsync(new Uri(callback + "?code=stolen"));
        ((int)guessed.StatusCode).ShouldBe(404);
        ((int)without.StatusCode).ShouldBe(404);
    }
}
