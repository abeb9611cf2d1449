using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using TokenVault.Client.Tests.Mcp;
using TokenVault.Server.Demo;

namespace TokenVault.Client.Tests.Samples;

/// <summary>Each sample, run as its README says, against the server that <c>make demo</c> keeps up.</summary>
[Collection(DemoTests.Name)]
public sealed partial class SampleTests(DemoScene demo)
{
    private const string Lunch = "Lunch with Charles at 12:30";

    [Fact]
    public async Task AgentWorker_reports_for_users_who_are_not_present_again_and_again()
    {
        await using var worker = demo.Start("AgentWorker", ("WORKER_EVERY", "00:00:01"));
        var users = demo["WORKER_USERS"].Split(',');

        foreach (var round in Enumerable.Range(0, 2))
        {
            await worker.SeeAsync($"{users[0]}: {Lunch}");
            await worker.SeeAsync($"{users[1]}: {Lunch}");
            await worker.SeeAsync($"{users[2]}: has to connect a calendar first (NotConnected)");
            await worker.SeeAsync("Done; the next time in 00:00:01.");
        }

        (await worker.StopAsync()).ShouldBe(0, worker.Output);
        HasNoSecrets(worker);
    }

    [Fact]
    public async Task WebApp_signs_a_user_in_lets_them_connect_and_shows_their_calendar()
    {
        await using var app = demo.Start("WebApp");
        await app.SeeAsync("Now listening on: " + demo["WEBAPP_URL"]);
        var (browser, calendar) = (demo.NewBrowser(), demo["WEBAPP_URL"] + "/calendar");

        var page = await demo.GoAsync(browser, demo["DEMO_USER"], calendar);
        page.Url.ShouldBe(calendar);
        var link = Link().Match(page.Html).Groups[1].Value;
        page.Html.ShouldContain("Connect your calendar");
        page.Html.ShouldNotContain("Lunch");

        page = await browser.GoAsync(demo["WEBAPP_URL"] + link);
        page.Url.ShouldBe($"{calendar}?connected={demo["TOKENVAULT_CONNECTION"]}");
        page.Html.ShouldContain("The calendar of " + demo["DEMO_USER"]);
        page.Html.ShouldContain("12:30 Lunch with Charles");

        // Another browser has to sign in first.
        (await demo.NewBrowser().GoAsync(calendar)).Url.ShouldStartWith(demo["TOKENVAULT_ISSUER"]);
        (await app.StopAsync()).ShouldBe(0, app.Output);
        HasNoSecrets(app);
    }

    [Fact]
    public async Task AgentChat_is_interrupted_until_its_user_has_connected_granted_more_and_approved()
    {
        await using var agent = demo.Start("AgentChat");
        var (browser, connection) = (demo.NewBrowser(), demo["TOKENVAULT_CONNECTION"]);

        await agent.TypeAsync("What is on today?");
        await ConnectAsync(browser, await agent.SeeAsync($"Connect your account at {connection} (calendar.read): "));
        await agent.SeeAsync($"Agent: {Lunch}.");

        await agent.TypeAsync("Book Coffee with Grace at 15:00");
        await ConnectAsync(browser, await agent.SeeAsync("calendar.write"));
        await AnswerAsync(browser, await agent.SeeAsync("Approve it: "), "allow");
        await agent.SeeAsync("Agent: Coffee with Grace at 15:00 is in the calendar.");
        await agent.TypeAsync("What is on today?");
        await agent.SeeAsync($"Agent: {Lunch}, Coffee with Grace at 15:00.");

        // An approval is of one event, and may be refused.
        await agent.TypeAsync("Book Tea at 16:00");
        await AnswerAsync(browser, await agent.SeeAsync("Approve it: "), "deny");
        await agent.SeeAsync("Agent: it was not done, since the user did not agree.");
        await agent.TypeAsync("What is on today?");
        (await agent.SeeAsync($"Agent: {Lunch}")).ShouldNotContain("Tea");
        await agent.TypeAsync("");
        (await agent.EndAsync()).ShouldBe(0, agent.Output);
        HasNoSecrets(agent);
    }

    private async Task ConnectAsync(Browser browser, string line)
    {
        var page = await browser.GoAsync(Address(line));
        if (Continue().Match(page.Html) is { Success: true } link)
        {
            // Nobody is signed in yet in this browser: is it she?
            page.Html.ShouldContain(demo["AGENT_USER"]);
            page = await browser.GoAsync(new Uri(new Uri(page.Url), WebUtility.HtmlDecode(link.Groups[1].Value)).AbsoluteUri);
        }

        (page.Status, page.Html).ShouldBe((200, "Back to the agent."));
    }

    [Fact]
    public async Task McpServer_sends_the_agents_user_to_connect_and_reads_their_calendar()
    {
        await using var server = demo.StartProgram(DemoScene.ProgramOf("McpServer", "sample-mcp-server"));
        await server.SeeAsync("Now listening on: " + demo["WEBAPP_URL"]);
        using var browser = demo.NewBrowser();
        var transport = new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Endpoint = new Uri(demo["WEBAPP_URL"] + "/mcp"),
                TransportMode = HttpTransportMode.StreamableHttp,
                AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = "Bearer " + demo["MCP_ACCESS_TOKEN"] },
            },
            LoopbackHttp.Client(X509CertificateLoader.LoadCertificateFromFile(demo["TOKENVAULT_CA_FILE"])),
            ownsHttpClient: true);
        await using var client = await McpClient.CreateAsync(transport, SampleHost.Options(async elicitation =>
        {
            (await demo.GoAsync(browser, demo["MCP_USER"], elicitation.Url!)).Html.ShouldContain("Go back to your agent.");
            return "accept";
        }));

        var result = await client.CallToolAsync("read_calendar");

        result.Content.ShouldHaveSingleItem().ShouldBeOfType<TextContentBlock>().Text.ShouldContain("Lunch with Charles");
        (await server.StopAsync()).ShouldBe(0, server.Output);
        HasNoSecrets(server);
    }

    private async Task AnswerAsync(Browser browser, string line, string action)
    {
        var page = await demo.GoAsync(browser, demo["AGENT_USER"], Address(line));
        (await browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = action })).Status.ShouldBe(200);
    }

    private void HasNoSecrets(RunningProgram program)
    {
        foreach (var secret in (string[])[demo["TOKENVAULT_CLIENT_SECRET"], demo["AGENT_REFRESH_TOKEN"], demo["MCP_ACCESS_TOKEN"], demo["MCP_CLIENT_SECRET"], demo["DEMO_PASSWORD"], "sbx_at_", "PRIVATE KEY"])
        {
            program.Output.ShouldNotContain(secret);
        }
    }

    private static string Address(string line) => line[line.LastIndexOf("https://", StringComparison.Ordinal)..];

    [GeneratedRegex("href=\"(/connect/[^\"]+)\"", RegexOptions.NonBacktracking)]
    private static partial Regex Link();

    [GeneratedRegex("href=\"([^\"]+action=continue)\"", RegexOptions.NonBacktracking)]
    private static partial Regex Continue();
}
