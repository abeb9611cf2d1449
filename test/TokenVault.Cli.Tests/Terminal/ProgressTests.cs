using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using TokenVault.Cli.Tests.Running;

namespace TokenVault.Cli.Tests.Terminal;

/// <summary>Work that takes a while says so to who watches, and to nobody else.</summary>
public sealed class ProgressTests
{
    private const int All = 250;

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task A_terminal_shows_one_line_that_changes()
    {
        using var gate = new ManualResetEventSlim();
        await using var server = await StubServer.StartAsync(request => Answer(request, gate));
        using var desk = new Desk();
        await using var terminal = Start(desk, server);

        await terminal.SeeAsync("200 applications read");
        gate.Set();

        (await terminal.EndAsync()).ShouldBe(0, terminal.Text);
        terminal.Text.ShouldContain("app-249");
        terminal.Raw[..terminal.Raw.IndexOf("app-0", StringComparison.Ordinal)].ShouldMatch("\u001b\\[(\\d+A|2K)");
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task A_terminal_that_cannot_change_lines_shows_one_for_each_step()
    {
        using var gate = new ManualResetEventSlim(initialState: true);
        await using var server = await StubServer.StartAsync(request => Answer(request, gate));
        using var desk = new Desk();
        desk.Environment["TERM"] = "dumb";
        await using var terminal = Start(desk, server);

        (await terminal.EndAsync()).ShouldBe(0, terminal.Text);
        terminal.Text.ShouldContain("100 applications read\n200 applications read\n");
        terminal.Raw.ShouldNotContain("\u001b");
    }

    [Fact]
    public async Task A_pipe_sees_nothing_of_it()
    {
        using var gate = new ManualResetEventSlim(initialState: true);
        await using var server = await StubServer.StartAsync(request => Answer(request, gate));
        using var desk = new Desk();

        var run = (await desk.RunWithInputAsync("a-secret", [.. Arguments(desk, server), "--client-secret-stdin"])).Succeeded();

        run.Errors.ShouldBeEmpty();
        run.Output.ShouldContain("app-249");
        run.Output.ShouldNotContain("\u001b");
    }

    [SupportedOSPlatform("linux")]
    private static PseudoTerminal Start(Desk desk, StubServer server) =>
        PseudoTerminal.Start(desk, 100, [.. Arguments(desk, server), "--client-secret-file", desk.Write("secret.txt", "a-secret")]);

    private static string[] Arguments(Desk desk, StubServer server) =>
        ["apps", "--domain", server.Domain, "--ca", desk.Write("ca.pem", server.Authority), "--client-id", "x"];

    private static (int Status, JsonNode Body) Answer(HttpRequest request, ManualResetEventSlim gate)
    {
        if (request.Path != "/api/v2/clients")
        {
            return (200, new JsonObject { ["access_token"] = "a-token", ["expires_in"] = 3600 });
        }

        var page = int.Parse(request.Query["page"].ToString(), System.Globalization.CultureInfo.InvariantCulture);
        if (page == 2)
        {
            gate.Wait(TimeSpan.FromMinutes(1));
        }

        return (200, new JsonObject
        {
            ["clients"] = new JsonArray([.. Enumerable.Range(page * 100, Math.Min(100, All - (page * 100))).Select(i => new JsonObject { ["client_id"] = $"id-{i}", ["name"] = $"app-{i}" })]),
        });
    }
}
