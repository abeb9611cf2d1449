using System.Text.Json.Nodes;
using ModelContextProtocol.Authentication;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Mcp;

/// <summary>Agents that send their user to connect an account.</summary>
public sealed class McpConnectTests(McpScene scene) : IClassFixture<McpScene>
{
    [Fact]
    public async Task The_user_opens_the_link_connects_and_the_agents_call_works()
    {
        var user = await scene.NewUserAsync();
        await using var client = await scene.ClientAsync(user);
        var (_, link) = await McpScene.CallAsync(client, "get_connect_link", new { connection = VaultScene.Calendar, scopes = new[] { "openid", "calendar.read" } });

        var page = await user.Browser.GoAsync((string)link["url"]!);

        (page.Status, page.Html).ShouldSatisfyAllConditions(() => page.Status.ShouldBe(200), () => page.Html.ShouldContain("Account connected"));
        var (_, accounts) = await McpScene.CallAsync(client, "list_connected_accounts");
        accounts["accounts"]!.AsArray().ShouldHaveSingleItem();
        (await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url = scene.Api1.Origin + "/v1/x" })).Failed.ShouldBeFalse();
        (await scene.AuditAsync("connected_accounts_connection_succeeded", user.Id)).ShouldHaveSingleItem();

        // The return counts once.
        (await user.Browser.GoAsync(page.Url)).Status.ShouldBe(400);
        user.Browser.Cookies.GetAllCookies().ShouldNotContain(cookie => cookie.Name.StartsWith("__Host-tv_mcp", StringComparison.Ordinal));
    }

    /// <summary>By nothing but the MCP server's address, and who it is: the MCP specification's authorization, from end to end.</summary>
    [Fact]
    public async Task A_client_that_knows_the_address_only_finds_the_server_signs_its_user_in_and_calls()
    {
        var user = await scene.NewUserAsync();
        Uri? asked = null;
        var oauth = new ClientOAuthOptions
        {
            ClientId = scene.App.Credentials.ClientId,
            ClientSecret = scene.App.Credentials.ClientSecret,
            RedirectUri = new Uri(Operator.Callback),
            AuthorizationCallbackHandler = async (context, _) =>
            {
                asked = context.AuthorizationUri;
                var visit = await user.Browser.GoAsync(asked.AbsoluteUri, Operator.Callback);
                if (visit.Status == 200)
                {
                    visit = await user.Browser.SubmitAsync(visit, new Dictionary<string, string> { ["action"] = "allow" }, Operator.Callback);
                }

                return new AuthorizationResult { Code = visit["code"], State = visit["state"], Iss = visit["iss"] };
            },
        };

        await using var client = await scene.ClientAsync(token: null, options: null, oauth);

        (await McpScene.CallAsync(client, "list_connected_accounts")).Failed.ShouldBeFalse();
        var query = PendingConnect.Query(asked!.AbsoluteUri);
        query["resource"].ShouldBe(scene.Resource);
        query["code_challenge_method"].ShouldBe("S256");
        query["scope"].Split(' ').ShouldBe([.. McpScene.Scopes, "offline_access"], ignoreOrder: true);
    }

    [Fact]
    public async Task A_client_that_shows_addresses_sends_the_user_and_the_call_goes_on()
    {
        var user = await scene.NewUserAsync();
        var shown = new List<ElicitRequestParams>();
        await using var client = await scene.ClientAsync(user, Showing(async elicitation =>
        {
            shown.Add(elicitation);
            (await user.Browser.GoAsync(elicitation.Url!)).Status.ShouldBe(200);
            return "accept";
        }));

        var (failed, answer) = await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url = scene.Api1.Origin + "/v1/x" });

        failed.ShouldBeFalse(answer.ToJsonString());
        var one = shown.ShouldHaveSingleItem();
        one.Mode.ShouldBe("url");
        one.Message.ShouldContain(VaultScene.Calendar);
    }

    [Theory]
    [InlineData("decline")]
    [InlineData("accept")]
    public async Task Who_was_sent_and_did_not_connect_is_not_sent_again_in_the_same_call(string action)
    {
        var asked = 0;
        await using var client = await scene.ClientAsync(await scene.NewUserAsync(), Showing(_ => Task.FromResult(asked++ == 0 ? action : "unexpected")));

        var (failed, answer) = await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url = scene.Api1.Origin + "/v1/x" });

        (failed, asked, (string?)answer["error"]).ShouldBe((true, 1, FailureReason.NotConnected));
        ((string?)answer["connect_url"]).ShouldNotBeNullOrEmpty();
    }

    /// <summary>The attacker's link, opened by the victim, must not bring the victim's account into the attacker's vault.</summary>
    [Fact]
    public async Task T_CF_02_a_link_works_for_nobody_but_the_user_who_asked_for_it()
    {
        var (attacker, victim) = (await scene.NewUserAsync(), await scene.NewUserAsync());
        await using var client = await scene.ClientAsync(attacker);
        var url = await LinkAsync(client);

        (await victim.Browser.GoAsync(url)).Status.ShouldBe(403);
        using var stranger = scene.Vault.NewBrowser();
        (await stranger.GoAsync(url)).Status.ShouldBe(401);

        // Nor half-way: the attacker begins, and sends on the provider's part of the way, or the return.
        var toProvider = await attacker.Browser.GoAsync(url, scene.Provider.Issuer);
        (await victim.Browser.GoAsync(toProvider.Url)).Status.ShouldBeGreaterThanOrEqualTo(400);
        var back = await attacker.Browser.GoAsync(await LinkAsync(client), scene.Vault.Issuer + "mcp/connected");
        (await victim.Browser.GoAsync(back.Url)).Status.ShouldBe(400);
        (await scene.AuditAsync("connected_accounts_connection_succeeded", victim.Id)).ShouldBeEmpty();
        (await scene.AuditAsync("connected_accounts_connection_succeeded", attacker.Id)).ShouldBeEmpty();
        (await attacker.Browser.GoAsync(back.Url)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task T_CF_01_a_link_that_is_not_ours_or_too_old_is_good_for_nothing()
    {
        var user = await scene.NewUserAsync();
        await using var client = await scene.ClientAsync(user);
        var url = await LinkAsync(client);

        (await user.Browser.GoAsync(url[..^2] + "AA")).Status.ShouldBe(400);
        (await user.Browser.GoAsync(scene.Vault.Issuer + "mcp/connect")).Status.ShouldBe(400);
        (await user.Browser.GoAsync(scene.Vault.Issuer + "mcp/connected?state=x&connect_code=y")).Status.ShouldBe(400);
        scene.Clock.Advance(TimeSpan.FromMinutes(11));
        (await user.Browser.GoAsync(url)).Status.ShouldBe(400);
    }

    [Fact]
    public async Task What_the_connection_or_the_agents_policy_does_not_allow_is_not_asked_for()
    {
        var application = await scene.NewApplicationAsync(
            JsonNode.Parse("""{"agent_policy":{"connections":[{"connection":"calendar","scopes":["calendar.read"]}]}}""")!.AsObject(), McpScene.Scopes);
        var user = await scene.NewUserAsync(application);
        await using var client = await scene.ClientAsync(user);

        (await McpScene.CallAsync(client, "get_connect_link", new { connection = "nowhere" })).Failed.ShouldBeTrue();
        var (_, link) = await McpScene.CallAsync(client, "get_connect_link", new { connection = VaultScene.Calendar, scopes = new[] { "calendar.write" } });
        var page = await user.Browser.GoAsync((string)link["url"]!);
        page.Status.ShouldBe(403);
        page.Html.ShouldContain("agent policy");
    }

    private static async Task<string> LinkAsync(McpClient client) =>
        (string)(await McpScene.CallAsync(client, "get_connect_link", new { connection = VaultScene.Calendar })).Json["url"]!;

    private static McpClientOptions Showing(Func<ElicitRequestParams, Task<string>> show) => new()
    {
        Capabilities = new ClientCapabilities { Elicitation = new ElicitationCapability { Url = new UrlElicitationCapability() } },
        Handlers = new McpClientHandlers { ElicitationHandler = async (elicitation, _) => new ElicitResult { Action = await show(elicitation!) } },
    };
}
