using System.Text.RegularExpressions;
using ModelContextProtocol.Protocol;
using TokenVault.Server.Demo;

namespace TokenVault.Client.Tests.Mcp;

/// <summary>samples/McpServer, with the library's own client, a browser, the server and a provider.</summary>
[Collection(ClientTests.Name)]
public sealed partial class SampleTests(ClientScene scene)
{
    private const string Tool = "read_calendar";

    [Fact]
    public async Task T_CL_07_the_user_is_sent_to_connect_the_tool_goes_on_and_nobody_is_told_a_token()
    {
        await using var sample = await SampleHost.StartAsync(scene);
        var user = await scene.NewUserAsync();
        var shown = new List<ElicitRequestParams>();
        await using var client = await sample.ClientAsync(user, async elicitation =>
        {
            shown.Add(elicitation);
            var page = await user.Browser.GoAsync(elicitation.Url!);
            (page.Status, page.Html).ShouldSatisfyAllConditions(() => page.Status.ShouldBe(200, page.Url + page.Html), () => page.Html.ShouldContain("connected"));
            return "accept";
        });

        var result = await client.CallToolAsync(Tool);

        result.IsError.ShouldNotBe(true, Text(result));
        Text(result).ShouldContain("ada", Case.Insensitive);
        var asked = shown.ShouldHaveSingleItem();
        (asked.Mode, asked.Url!.StartsWith(sample.Origin + "/agent-connect?", StringComparison.Ordinal)).ShouldBe(("url", true));
        (await scene.Client.ListAccountsAsync(user.Subject)).ShouldHaveSingleItem().Scopes.ShouldContain(ClientScene.Read);

        // Once connected, nobody is asked.
        Text(await client.CallToolAsync(Tool)).ShouldContain("ada", Case.Insensitive);
        shown.Count.ShouldBe(1);
        foreach (var secret in scene.Provider.Commits.SelectMany(commit => new[] { commit.AccessToken, commit.RefreshToken }).OfType<string>())
        {
            sample.Told.ShouldAllBe(text => !text.Contains(secret, StringComparison.Ordinal));
            sample.Log.Text.ShouldNotContain(secret);
        }
    }

    [Fact]
    public async Task A_call_waits_for_a_user_who_has_agreed_to_go_and_is_not_back_yet()
    {
        await using var sample = await SampleHost.StartAsync(scene);
        var user = await scene.NewUserAsync();
        var agreed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var client = await sample.ClientAsync(user, elicitation =>
        {
            agreed.SetResult(elicitation.Url!);
            return Task.FromResult("accept");
        });

        var call = client.CallToolAsync(Tool).AsTask();
        (await user.Browser.GoAsync(await agreed.Task.WaitAsync(TimeSpan.FromSeconds(30)))).Status.ShouldBe(200);

        Text(await call.WaitAsync(TimeSpan.FromSeconds(30))).ShouldContain("ada", Case.Insensitive);
    }

    /// <summary>The phishing of the MCP specification: the attacker's agent is called, and the victim follows the link.</summary>
    [Fact]
    public async Task T_CF_02_a_link_that_another_user_opens_connects_nothing()
    {
        await using var sample = await SampleHost.StartAsync(scene);
        var (attacker, victim) = (await scene.NewUserAsync(), await scene.NewUserAsync());
        await using var client = await sample.ClientAsync(attacker, async elicitation =>
        {
            var page = await victim.Browser.GoAsync(elicitation.Url!);
            page.Status.ShouldBe(403);
            page.Html.ShouldContain("another user");

            // Nor does their word that they are back count for the attacker's.
            await victim.Browser.GoAsync($"{sample.Origin}/agent-connect/done?id={elicitation.ElicitationId}&connected=x");
            using var stranger = scene.Vault.NewBrowser();
            (await stranger.GoAsync(elicitation.Url!)).Html.ShouldContain("name=\"password\"");
            return "decline";
        });

        var result = await client.CallToolAsync(Tool);

        (result.IsError, Text(result)).ShouldBe((true, "The user does not want to connect an account now."));
        (await scene.Client.ListAccountsAsync(attacker.Subject)).ShouldBeEmpty();
        (await scene.Client.ListAccountsAsync(victim.Subject)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("2025-11-25")]
    public async Task A_client_that_shows_no_addresses_gets_an_error_that_says_where_to_go_and_holds_no_secret(string? revision)
    {
        await using var sample = await SampleHost.StartAsync(scene);
        var user = await scene.NewUserAsync();
        await using var client = await sample.ClientAsync(user, revision: revision);

        var result = await client.CallToolAsync(Tool);

        result.IsError.ShouldBe(true);
        Text(result).ShouldContain($"connect their account at {ClientScene.Calendar}");
        var url = Address().Match(Text(result)).Value;
        (await user.Browser.GoAsync(url)).Status.ShouldBe(200);
        Text(await client.CallToolAsync(Tool)).ShouldContain("ada", Case.Insensitive);
    }

    [Fact]
    public async Task Who_agrees_and_comes_back_without_an_account_is_not_sent_again()
    {
        await using var sample = await SampleHost.StartAsync(scene);
        var user = await scene.NewUserAsync();
        var asked = 0;
        await using var client = await sample.ClientAsync(user, async elicitation =>
        {
            asked++;
            scene.Provider.Authorization.Next(Testing.Fault.Denied());
            var page = await user.Browser.GoAsync(elicitation.Url!);
            page.Url.ShouldContain("connect_error=ConnectFailed");
            return "accept";
        });

        var result = await client.CallToolAsync(Tool);

        (result.IsError, asked).ShouldBe((true, 1));
        Text(result).ShouldContain("Call the tool again");
    }

    [Fact]
    public async Task A_tool_that_the_provider_refuses_sends_the_user_to_connect_again()
    {
        await using var sample = await SampleHost.StartAsync(scene);
        var user = await scene.ConnectedUserAsync();
        var sent = 0;
        await using var client = await sample.ClientAsync(user, async elicitation =>
        {
            sent++;
            await user.Browser.GoAsync(elicitation.Url!);
            return "accept";
        });
        scene.Provider.Calendar.Next(Testing.Fault.Status(401));

        var result = await client.CallToolAsync(Tool);

        sent.ShouldBe(1);
        Text(result).ShouldContain("ada", Case.Insensitive);
    }

    [Fact]
    public async Task T_ST_06_a_token_of_another_audience_is_nobodys()
    {
        await using var sample = await SampleHost.StartAsync(scene);
        var user = await scene.NewUserAsync();
        using var http = LoopbackHttp.Client(scene.Vault.Api.Trusted);
        foreach (var token in (string[])[user.AccessToken, scene.Admin.Token, (await sample.TokenAsync(user))[..^4] + "AAAA", "x", "a.b.c"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, sample.Origin + "/mcp") { Content = new StringContent("{}"), Headers = { Authorization = new("Bearer", token) } };
            using var response = await http.SendAsync(request);
            ((int)response.StatusCode, response.Headers.WwwAuthenticate.ToString())
                .ShouldBe((401, $"Bearer resource_metadata=\"{sample.Origin}/.well-known/oauth-protected-resource/mcp\""));
        }
    }

    private static string Text(CallToolResult result) => result.Content.ShouldHaveSingleItem().ShouldBeOfType<TextContentBlock>().Text;

    [GeneratedRegex(@"https://\S+")]
    private static partial Regex Address();
}
