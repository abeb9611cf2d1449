using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using ModelContextProtocol.Client;
using TokenVault.Server;
using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Mcp;

/// <summary>The server as an MCP server, called by the library's own client.</summary>
public sealed class McpServerTests(McpScene scene) : IClassFixture<McpScene>
{
    [Theory]
    [InlineData(null)]
    [InlineData("2025-11-25")]
    [InlineData("2025-06-18")]
    public async Task An_agent_lists_the_users_connections_and_accounts_in_each_revision_of_the_protocol(string? revision)
    {
        var user = await scene.ConnectedUserAsync();
        await using var client = await scene.ClientAsync(user, new McpClientOptions { ProtocolVersion = revision });

        (await client.ListToolsAsync()).Select(tool => tool.Name).ShouldBe(["list_connections", "list_connected_accounts", "get_connect_link", "call_on_behalf"]);
        var (_, connections) = await McpScene.CallAsync(client, "list_connections");
        var calendar = connections["connections"]!.AsArray().Single(connection => (string?)connection!["name"] == VaultScene.Calendar)!;
        calendar["base_urls"]!.AsArray().Select(url => (string?)url).ShouldContain(scene.Api1.Origin + "/v1/");
        calendar["scopes"]!.AsArray().Select(scope => (string?)scope).ShouldContain("calendar.read");
        var (_, accounts) = await McpScene.CallAsync(client, "list_connected_accounts");
        ((string?)accounts["accounts"]!.AsArray().ShouldHaveSingleItem()!["connection"]).ShouldBe(VaultScene.Calendar);
        client.ServerInstructions.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task A_client_finds_out_where_its_token_is_to_be_had()
    {
        var refused = await scene.SendRawAsync(HttpMethod.Post, "mcp", contentType: "application/json", body: "{}"u8.ToArray());
        refused.Status.ShouldBe(401);
        var challenge = refused.Headers.WwwAuthenticate.ShouldHaveSingleItem();
        challenge.Scheme.ShouldBe("Bearer");
        challenge.Parameter.ShouldBe($"resource_metadata=\"{scene.Vault.Issuer}.well-known/oauth-protected-resource/mcp\"");

        var metadata = await scene.SendRawAsync(HttpMethod.Get, ".well-known/oauth-protected-resource/mcp");
        metadata.Status.ShouldBe(200);
        metadata["resource"].ShouldBe(scene.Resource);
        ((string?)metadata.Json["authorization_servers"]![0]).ShouldBe(scene.Vault.Issuer);
        metadata.Json["scopes_supported"]!.AsArray().Select(scope => (string?)scope).ShouldBe(McpScene.Scopes);
        (await scene.SendRawAsync(HttpMethod.Get, "mcp")).Status.ShouldBe(405);
    }

    [Fact]
    public async Task T_ST_06_a_token_of_another_audience_or_of_no_user_is_refused()
    {
        var user = await scene.NewUserAsync();
        var mcp = await McpScene.TokenAsync(user, scene.Resource);
        foreach (var token in (string[])[user.AccessToken, await user.MyTokenAsync(), (await scene.AdminAsync()).Token, user.IdToken!, mcp[..^4] + "AAAA", "x"])
        {
            var refused = await scene.SendRawAsync(HttpMethod.Post, "mcp", token, "application/json", "{}"u8.ToArray());
            refused.Status.ShouldBe(401);
            refused.Headers.WwwAuthenticate.ToString().ShouldContain("error=\"invalid_token\"");
        }

        // And the other way round: the agent's token opens nothing else.
        (await scene.SendRawAsync(HttpMethod.Get, VaultScene.Accounts, mcp)).Status.ShouldBe(401);
        (await scene.ApiClient.ExchangeAsync(mcp, Wire.AccessTokenType, VaultScene.Calendar)).Status.ShouldBe(401);
    }

    [Fact]
    public async Task T_MG_02_each_tool_demands_its_scope_and_says_which()
    {
        var user = await scene.ConnectedUserAsync();
        foreach (var (tool, scope) in ((string, string)[])
            [
                ("list_connections", Wire.ReadConnectedAccounts), ("list_connected_accounts", Wire.ReadConnectedAccounts),
                ("get_connect_link", Wire.CreateConnectedAccounts), ("call_on_behalf", Wire.UseConnectedAccounts),
            ])
        {
            var token = await McpScene.TokenAsync(user, scene.Resource, [.. McpScene.Scopes.Except([scope])]);
            var refused = await PostAsync(token, CallOf(tool));
            refused.Status.ShouldBe(403, tool);
            refused.Headers.WwwAuthenticate.ToString().ShouldContain($"error=\"insufficient_scope\"");
            refused.Headers.WwwAuthenticate.ToString().ShouldContain($"scope=\"{scope}\"");
        }
    }

    [Theory]
    [InlineData("{\"Name\":\"TOOL\",\"arguments\":{}}", 403)]
    [InlineData("{\"name\":\"list_connections\",\"NAME\":\"TOOL\",\"arguments\":{}}", 400)]
    [InlineData("{\"NAME\":\"TOOL\",\"name\":\"list_connections\",\"arguments\":{}}", 400)]
    public async Task T_MG_02_another_spelling_of_the_members_runs_no_tool_whose_scope_the_token_lacks(string parameters, int status)
    {
        var token = await McpScene.TokenAsync(await scene.NewUserAsync(), scene.Resource, Wire.ReadConnectedAccounts);
        foreach (var (tool, arguments) in ((string, string)[])
            [
                ("get_connect_link", """{"connection":"calendar"}"""), ("call_on_behalf", """{"connection":"calendar","url":"https://api.example/"}"""),
            ])
        {
            var body = parameters.Replace("TOOL", tool, StringComparison.Ordinal).Replace("{}", arguments, StringComparison.Ordinal);

            var answer = await PostAsync(token, $$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{body}}}""");

            answer.Status.ShouldBe(status, answer.Text);
        }
    }

    [Fact]
    public async Task T_ST_11_a_token_ends_with_the_right_of_its_client_and_with_its_user()
    {
        var application = await scene.NewApplicationAsync([], McpScene.Scopes);
        var user = await scene.NewUserAsync(application);
        var token = await McpScene.TokenAsync(user, scene.Resource);
        (await PostAsync(token, CallOf("list_connections"))).Status.ShouldBe(200);

        var admin = await scene.AdminAsync();
        var grants = (await admin.GetAsync($"client-grants?client_id={application.Credentials.ClientId}&audience={Uri.EscapeDataString(scene.Resource)}")).Json;
        (await admin.DeleteAsync("client-grants/" + grants[0]!["id"])).Status.ShouldBe(204);
        (await PostAsync(token, CallOf("list_connections"))).Status.ShouldBe(401);

        await scene.GrantAsync(application, Wire.ReadConnectedAccounts);
        (await PostAsync(token, CallOf("list_connections"))).Status.ShouldBe(200);
        (await PostAsync(token, CallOf("call_on_behalf"))).Status.ShouldBe(403);
        (await admin.PatchAsync("users/" + Uri.EscapeDataString(user.Id), new JsonObject { ["blocked"] = true })).Status.ShouldBe(200);
        (await PostAsync(token, CallOf("list_connections"))).Status.ShouldBe(401);
    }

    [Theory]
    [InlineData("not json", 400)]
    [InlineData("[]", 400)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}""", 400)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}""", 200)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}""", 200)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop_everything"}}""", 200)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"no/such"}""", 200)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}""", 400)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"a":1,"A":2}}}""", 400)]
    [InlineData("""{"jsonrpc":"2.0","method":"notifications/initialized"}""", 202)]
    public async Task T_DO_03_what_is_no_message_is_refused_and_nothing_breaks(string body, int status)
    {
        var token = await McpScene.TokenAsync(await scene.NewUserAsync(), scene.Resource);

        var answer = await PostAsync(token, body);

        answer.Status.ShouldBe(status, answer.Text);
        (answer.Text.Contains("error", StringComparison.OrdinalIgnoreCase) || status == 202).ShouldBeTrue(answer.Text);
        scene.Vault.Log.Text.ShouldNotContain(token);
    }

    [Fact]
    public async Task Pages_of_other_origins_and_headers_that_are_not_the_bodys_are_refused()
    {
        var token = await McpScene.TokenAsync(await scene.NewUserAsync(), scene.Resource);
        (await PostAsync(token, CallOf("list_connections"), ("Origin", "https://evil.example"))).Status.ShouldBe(403);
        (await PostAsync(token, CallOf("list_connections"), ("Origin", scene.Vault.Issuer.TrimEnd('/')))).Status.ShouldBe(200);
        (await PostAsync(token, CallOf("call_on_behalf"), ("Mcp-Name", "list_connections"))).Status.ShouldBe(400);
        (await PostAsync(token, CallOf("list_connections"), ("Mcp-Method", "tools/list"))).Status.ShouldBe(400);
    }

    [Fact]
    public async Task It_is_off_unless_it_is_switched_on()
    {
        await using var vault = await TestVault.StartAsync();
        foreach (var path in (string[])["mcp", "mcp/connect", "mcp/connected", ".well-known/oauth-protected-resource/mcp"])
        {
            (await vault.Api.SendAsync(HttpMethod.Get, path)).Status.ShouldBe(404, path);
        }

        (await vault.Api.SendAsync(HttpMethod.Post, "mcp", body: new JsonObject())).Status.ShouldBe(404);
    }

    [Theory]
    [InlineData("Calls:0:Connection", "calendar", "needs a Connection, and BaseUrls")]
    [InlineData("Calls:0:BaseUrls:0", "https://api.example/", "needs a Connection, and BaseUrls")]
    [InlineData("Calls:0:BaseUrls:0", "https://api.example", "'https://api.example'")]
    [InlineData("Calls:0:BaseUrl", "https://api.example/", "is not a setting")]
    [InlineData("Calls:x:Connection", "calendar", "is not a setting")]
    [InlineData("Enabled", "perhaps", "true or false")]
    public void Settings_that_cannot_be_meant_stop_the_start(string key, string value, string problem)
    {
        var settings = new Dictionary<string, string?> { ["TokenVault:Mcp:" + key] = value };

        Should.Throw<StartupException>(() => OptionsValidation.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())).Message.ShouldContain(problem);
    }

    internal static string CallOf(string tool) => """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{},"name":"TOOL"}}""".Replace("TOOL", tool, StringComparison.Ordinal);

    private async Task<Server.Demo.Answer> PostAsync(string token, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(scene.Resource)) { Content = new StringContent(body, mediaType: new("application/json")) };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await scene.Vault.Api.Http.SendAsync(request);
        return new((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    [Fact]
    public async Task T_CF_14_while_a_second_factor_is_always_demanded_nothing_is_called()
    {
        var user = await scene.NewUserAsync();
        await user.ConnectAsync();
        await using var client = await scene.ClientAsync(user);
        var call = new { connection = VaultScene.Calendar, url = scene.Api1.Origin + "/v1/second-factor" };
        var admin = await scene.AdminAsync();
        (await scene.Vault.Api.SendAsync(HttpMethod.Put, "api/v2/guardian/policies", admin.Token, new JsonArray(MultiFactorPolicy.Always))).Status.ShouldBe(200);
        try
        {
            var (failed, answer) = await McpScene.CallAsync(client, "call_on_behalf", call);
            (failed, (string?)answer["error"]).ShouldBe((true, FailureReason.PolicyDenied));
        }
        finally
        {
            (await scene.Vault.Api.SendAsync(HttpMethod.Put, "api/v2/guardian/policies", admin.Token, new JsonArray())).Status.ShouldBe(200);
        }

        scene.Api1.Calls.ShouldNotContain(one => one.Target == "/v1/second-factor");
        (await McpScene.CallAsync(client, "call_on_behalf", call)).Failed.ShouldBeFalse();
    }
}
