using System.Text.Json.Nodes;
using TokenVault.Cli.Setup;
using TokenVault.Cli.Terminal;
using TokenVault.Cli.Tests.Running;

namespace TokenVault.Cli.Tests.Commands;

/// <summary>What a server that means harm, or makes no sense, can do to who asks it: nothing.</summary>
public sealed class HostileServerTests
{
    private const string Token = "a-management-token";

    [Theory]
    [InlineData("oauth/token", 400, """{"error":"no","error_description":"x\n✓ All is well\nError: gone"}""")]
    [InlineData("api/v2/clients", 400, """{"message":"x\r\n✓ All is well"}""")]
    [InlineData("api/v2/clients", 403, """{"message":"Insufficient scope, expected any of: a\n✓ All is well"}""")]
    [InlineData("api/v2/clients", 200, """{"clients":[{"client_id":"a","name":"x\n✓ All is well"}]}""")]
    public async Task T_CL_03_its_text_does_not_pretend_to_be_a_line_of_the_tool(string path, int status, string json)
    {
        await using var server = await StubServer.StartAsync(request => request.Path == "/" + path ? (status, JsonNode.Parse(json)!) : Login());
        using var desk = new Desk();

        var run = await RunAsync(desk, server, "apps");

        run.All.ShouldContain("All is well");
        run.All.Split('\n').ShouldNotContain(line => line.StartsWith('✓') || line.StartsWith("Error: gone", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task T_CL_01_its_redirect_takes_the_token_nowhere(int status)
    {
        var others = 0;
        await using var other = await StubServer.StartAsync(_ =>
        {
            Interlocked.Increment(ref others);
            return Login();
        });
        await using var server = await StubServer.StartAsync(request =>
        {
            if (request.Path == "/api/v2/clients")
            {
                request.HttpContext.Response.Headers.Location = $"https://{other.Domain}/api/v2/clients";
                return (status, new JsonObject());
            }

            return Login();
        });
        using var desk = new Desk();

        var run = await RunAsync(desk, server, "apps", "--debug");

        run.ExitCode.ShouldBe(1, run.All);
        run.All.ShouldNotContain(Token);
        others.ShouldBe(0);
    }

    [Fact]
    public async Task T_CL_04_its_metadata_send_nobody_to_another_server()
    {
        var others = 0;
        await using var other = await StubServer.StartAsync(_ =>
        {
            Interlocked.Increment(ref others);
            return Login();
        });
        await using var server = await StubServer.StartAsync(
            _ => Login(), change: metadata => metadata["device_authorization_endpoint"] = $"https://{other.Domain}/oauth/device/code");
        using var desk = new Desk();

        var run = await desk.RunAsync("login", "--device", "--my-account", "--domain", server.Domain, "--ca", desk.Write("ca.pem", server.Authority), "--client-id", "x");

        run.ExitCode.ShouldBe(5, run.All);
        run.Errors.ShouldContain("names an endpoint at another one");
        others.ShouldBe(0);
    }

    [Fact]
    public async Task Its_endless_answer_is_given_up()
    {
        await using var server = await StubServer.StartAsync(request => request.Path == "/api/v2/clients" ? (200, new JsonObject { ["clients"] = new string('a', 20_000_000) }) : Login());
        using var desk = new Desk();

        var run = await RunAsync(desk, server, "apps");

        run.ExitCode.ShouldBe(1);
        run.Errors.ShouldContain("at a length that makes no sense");
    }

    [Theory]
    [InlineData("""{"client_id":"a","app_type":"regular_web","refresh_token":"secret-nonsense"}""")]
    [InlineData("""{"client_id":"a","app_type":"regular_web","refresh_token":{"policies":"secret-nonsense"}}""")]
    [InlineData("""["secret-nonsense"]""")]
    [InlineData("\"secret-nonsense\"")]
    public async Task T_CL_01_its_nonsense_is_an_error_and_no_trace(string client)
    {
        await using var server = await StubServer.StartAsync(request => request.Path.Value switch
        {
            "/api/v2/clients/a" => (200, JsonNode.Parse(client)!),
            "/api/v2/connections" => (200, new JsonObject { ["connections"] = new JsonArray() }),
            "/api/v2/resource-servers" => (200, new JsonObject { ["resource_servers"] = new JsonArray(new JsonObject { ["id"] = "r", ["identifier"] = $"https://{request.Host}/me/" }) }),
            "/api/v2/client-grants" => (200, new JsonObject { ["client_grants"] = new JsonArray() }),
            _ => Login(),
        });
        using var desk = new Desk();

        var run = await RunAsync(desk, server, "setup", "--flavor", "connected_accounts", "--app-id", "a", "--connections", "none", "--plan", "--out", desk.Out);

        run.ExitCode.ShouldNotBe(0, run.All);
        run.All.ShouldNotContain("   at ");
        run.Errors.Split('\n').First().ShouldNotContain("secret-nonsense");
    }

    [Theory]
    [InlineData("con_5aB0", "con_5aB0")]
    [InlineData("auth0|ann", "'auth0|ann'")]
    [InlineData("--help", "'--help'")]
    [InlineData("a'; touch pwned; '", "'a'\\''; touch pwned; '\\'''")]
    [InlineData("$(touch pwned)", "'$(touch pwned)'")]
    [InlineData("a\ntouch pwned", "'a\uFFFDtouch pwned'")]
    public async Task T_CL_03_its_names_are_words_in_commands_to_copy(string name, string word)
    {
        using var desk = new Desk();
        ShellText.Of(name).ShouldBe(word);

        var run = await desk.RunProgramAsync("sh", "-c", "printf %s " + ShellText.Of(name));

        run.Output.ShouldBe(PlainText.Of(name));
        File.Exists(desk.PathOf("pwned")).ShouldBeFalse();
    }

    [Fact]
    public void T_CL_03_its_ids_and_secrets_are_no_lines_of_the_environment_file()
    {
        using var desk = new Desk();
        var file = new EnvironmentFile(desk.Out);
        file.SetClient(EnvironmentFile.ClientId, EnvironmentFile.ClientSecret, "id", "secret\nLD_PRELOAD='/tmp/evil.so'");

        Should.Throw<ToolException>(file.Save).Message.ShouldNotContain("evil");

        File.Exists(file.Location).ShouldBeFalse();
    }

    private static (int Status, JsonNode Body) Login() => (200, new JsonObject { ["access_token"] = Token, ["expires_in"] = 3600 });

    private static Task<ToolRun> RunAsync(Desk desk, StubServer server, params string[] arguments) =>
        desk.RunWithInputAsync("a-secret", [.. arguments, "--domain", server.Domain, "--ca", desk.Write("ca.pem", server.Authority), "--client-id", "x", "--client-secret-stdin"]);
}
