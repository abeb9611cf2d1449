using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using ModelContextProtocol.Protocol;
using TokenVault.Server;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Mcp;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Mcp;

/// <summary>Agents that call a provider with a token which they never see.</summary>
public sealed class OnBehalfTests(McpScene scene) : IClassFixture<McpScene>
{
    [Fact]
    public async Task T_CL_07_the_provider_is_called_with_the_users_token_and_the_model_sees_none_even_where_the_provider_echoes_it()
    {
        var user = await scene.ConnectedUserAsync();
        await using var client = await scene.ClientAsync(user);

        var (failed, answer) = await McpScene.CallAsync(client, "call_on_behalf", new
        {
            connection = VaultScene.Calendar,
            url = scene.Api1.Origin + "/v1/events?day=monday",
            method = "POST",
            body = """{"a":1}""",
            scopes = new[] { "calendar.read" },
        });

        failed.ShouldBeFalse(answer.ToJsonString());
        var call = scene.Api1.Calls.Last(one => one.Target == "/v1/events?day=monday");
        (call.Method, call.Body, call.Headers["Content-Type"]).ShouldBe(("POST", """{"a":1}""", "application/json"));
        var token = call.Headers["Authorization"]["Bearer ".Length..];
        scene.Provider.IsLive(token).ShouldBeTrue();
        ((int)answer["status"]!).ShouldBe(200);
        answer.ToJsonString().ShouldContain("Bearer [secret]");
        answer.ToJsonString().ShouldNotContain(token);
        scene.Vault.Log.Text.ShouldNotContain(token);

        // Both the exchange and the call have left their trace.
        ((string?)(await scene.AuditAsync("seta", user.Id)).ShouldHaveSingleItem()["connection"]).ShouldBe(VaultScene.Calendar);
        var row = (await scene.AuditAsync("call_on_behalf_succeeded", user.Id)).ShouldHaveSingleItem();
        ((string?)row["details"]!["url"], (string?)row["details"]!["method"], (string?)row["details"]!["outcome"]).ShouldBe((scene.Api1.Origin + "/v1/events", "POST", "200"));
        ((string?)row["client_id"]).ShouldBe(scene.App.Credentials.ClientId);
        row.ToJsonString().ShouldNotContain("monday");
    }

    [Theory]
    [InlineData("/v1/utf-16")]
    [InlineData("/v1/utf-32")]
    [InlineData("/v1/as-type")]
    public async Task T_CL_07_no_alphabet_and_no_header_of_the_answer_carries_the_token_to_the_model(string path)
    {
        await using var client = await scene.ClientAsync(await scene.ConnectedUserAsync());

        var (_, answer) = await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url = scene.Api1.Origin + path });

        ((int)answer["status"]!).ShouldBe(200);
        var token = scene.Api1.Calls.Last(call => call.Target == path).Headers["Authorization"]["Bearer ".Length..];
        ((string?)answer["body"] ?? "").Replace("\0", "", StringComparison.Ordinal).ShouldNotContain(token, Case.Insensitive);
        answer.ToJsonString().ShouldNotContain(token, Case.Insensitive);
    }

    [Fact]
    public async Task T_AU_02_a_call_whose_trace_cannot_be_kept_is_not_told_as_one_that_may_be_made_again()
    {
        var user = await scene.ConnectedUserAsync();
        var storage = new TamperedStorage(scene.Storage) { Refuses = batch => batch.Operations.OfType<AppendOperation>().Any() };
        var options = scene.Vault.Service<TokenVaultOptions>();
        using var calls = new OnBehalfCall(
            scene.Vault.Service<FederatedConnectionExchange>(), scene.Vault.Service<EgressGuard>(), new CallTrace(storage, scene.Vault.Service<AuditLog>(), options), options,
            scene.Clock, NullLogger<OnBehalfCall>.Instance);
        var application = (await scene.Vault.Service<RecordCache>().FindAsync<Client>(scene.App.Credentials.ClientId, default))!;
        var token = new AccessToken(application.ClientId, user.Id, McpScene.Scopes, [scene.Resource], scene.Clock.GetUtcNow().AddHours(1)) { BoundTo = Confirmation.None };
        var call = new CallRequest(VaultScene.Calendar, "POST", scene.Api1.Origin + "/v1/traceless", "{}", "application/json", [], Account: null);

        var (answer, _) = await calls.RunAsync(new McpCaller(token, application, McpScene.Scopes, new RequestOrigin("127.0.0.1", UserAgent: null)), call, default);

        // The provider has acted: "try again later" would have it act twice.
        scene.Api1.Calls.Count(one => one.Target == "/v1/traceless").ShouldBe(1);
        answer!.IsError.ShouldBe(true);
        ((TextContentBlock)answer.Content.ShouldHaveSingleItem()).Text.ShouldContain("outcome_unknown");
    }

    [Theory]
    [InlineData("https://evil.example/v1/")]
    [InlineData("{origin}.evil.example/v1/x")]
    [InlineData("{origin}/v2/x")]
    [InlineData("{origin}/v1/../admin")]
    [InlineData("{origin}/v1/%2e%2e/admin")]
    [InlineData("{origin}/v1/%2E%2E%2Fadmin")]
    [InlineData("{origin}/v1/..%2fadmin")]
    [InlineData("{origin}/v1/..%5cadmin")]
    [InlineData("{origin}/v1/%252e%252e/admin")]
    [InlineData("{origin}/v1/..;/admin")]
    [InlineData("{origin}/v1/%c0%ae%C0%AE/admin")]
    [InlineData("{origin}/v1/x%00y")]
    [InlineData("{origin}/v1/x%0d%0aX-Injected:1")]
    [InlineData("{origin}/v1//evil.example/")]
    [InlineData("{origin}/v1\\..\\admin")]
    [InlineData("{origin}@evil.example/v1/")]
    [InlineData("http://user@{host}/v1/x")]
    [InlineData("http://①②⑦.⓪.⓪.①/v1/x")]
    [InlineData("http://2130706433/v1/x")]
    [InlineData("{origin}/v1/x#y")]
    [InlineData("{origin}/v1/x\r\nX-Injected: 1")]
    [InlineData("{origin}/v1/x HTTP/1.1\r\nHost: evil")]
    [InlineData("{origin}/v1")]
    [InlineData("file:///etc/passwd")]
    [InlineData("HTTP://{host}/v1/x")]
    public async Task T_UP_10_no_spelling_of_an_address_takes_the_token_elsewhere(string address)
    {
        var user = await scene.ConnectedUserAsync();
        await using var client = await scene.ClientAsync(user);
        var url = address.Replace("{origin}", scene.Api1.Origin, StringComparison.Ordinal).Replace("{host}", new Uri(scene.Api1.Origin).Authority, StringComparison.Ordinal);
        var calls = scene.Api1.Calls.Count;

        var (failed, answer) = await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url });

        (failed, (string?)answer["error"]).ShouldBe((true, FailureReason.PolicyDenied), answer.ToJsonString());
        scene.Api1.Calls.Count.ShouldBe(calls);
        (await scene.AuditAsync("seta", user.Id)).ShouldBeEmpty("No token is taken out of the vault for it.");
        var row = (await scene.AuditAsync("call_on_behalf_failed", user.Id)).ShouldHaveSingleItem();
        ((string?)row["details"]!["url"])!.ShouldAllBe(c => c >= ' ' && c <= '~');
    }

    [Theory]
    [InlineData("/v1/away", 302, null)]
    [InlineData("/v1/no", 401, "no")]
    public async Task T_UP_11_a_redirect_is_told_and_not_followed_as_is_a_refusal(string path, int status, string? body)
    {
        await using var client = await scene.ClientAsync(await scene.ConnectedUserAsync());

        var (failed, answer) = await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url = scene.Api1.Origin + path });

        ((int)answer["status"]!, failed).ShouldBe((status, status >= 400));
        if (body is not null)
        {
            ((string?)answer["body"]).ShouldBe(body);
        }

        answer.ToJsonString().ShouldNotContain("elsewhere");
    }

    [Fact]
    public async Task T_UP_04_an_answer_that_is_too_large_or_no_text_is_not_passed_on()
    {
        var user = await scene.ConnectedUserAsync();
        await using var client = await scene.ClientAsync(user);

        var (tooLarge, much) = await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url = scene.Api1.Origin + "/v1/much" });
        var (_, picture) = await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url = scene.Api1.Origin + "/v1/picture" });

        (tooLarge, (string?)much["error"]).ShouldBe((true, "outcome_unknown"));
        picture["body"].ShouldBeNull();
        ((int)picture["omitted_bytes"]!).ShouldBeGreaterThan(0);
        (await scene.AuditAsync("call_on_behalf_failed", user.Id)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task T_UP_10_an_allowed_address_that_only_this_host_can_reach_is_refused_by_the_egress_guard_all_the_same()
    {
        await using var client = await scene.ClientAsync(await scene.ConnectedUserAsync());

        var (failed, answer) = await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url = "https://169.254.169.254/latest/meta-data/" });

        failed.ShouldBeTrue();
        ((string?)answer["error_description"])!.ShouldContain("not public");
    }

    [Theory]
    [InlineData("""{"headers":{"X-A":"b"}}""")]
    [InlineData("""{"content_type":"application/json\r\nX-A: b","body":"1","method":"POST"}""")]
    [InlineData("""{"method":"CONNECT"}""")]
    [InlineData("""{"method":"get"}""")]
    [InlineData("""{"body":"1"}""")]
    [InlineData("""{"scopes":["a b"]}""")]
    [InlineData("""{"scopes":"a"}""")]
    [InlineData("""{"scopes":["LONG"]}""")]
    [InlineData("""{"connection":7}""")]
    [InlineData("""{"account":""}""")]
    public async Task T_CL_07_arguments_that_a_model_was_talked_into_are_refused(string more)
    {
        var user = await scene.ConnectedUserAsync();
        await using var client = await scene.ClientAsync(user);
        var arguments = new Dictionary<string, object?> { ["connection"] = VaultScene.Calendar, ["url"] = scene.Api1.Origin + "/v1/refused" };
        foreach (var (name, value) in JsonNode.Parse(more.Replace("LONG", new string('s', 5000), StringComparison.Ordinal))!.AsObject())
        {
            arguments[name] = value;
        }

        var result = await client.CallToolAsync("call_on_behalf", arguments);

        result.IsError.ShouldBe(true);
        scene.Api1.Calls.ShouldNotContain(call => call.Target == "/v1/refused");
    }

    [Fact]
    public async Task T_CA_01_the_rules_of_the_exchange_hold_here_too_and_are_asked_each_time()
    {
        // A client that may not exchange, one that is public, and one whose agent policy allows less.
        foreach (var change in (string[])
            [
                """{"grant_types":["authorization_code","refresh_token"]}""",
                """{"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"]}""",
                """{"is_first_party":false}""",
                """{"agent_policy":{"connections":[]}}""",
                """{"agent_policy":{"connections":[{"connection":"calendar","scopes":["calendar.write"]}]}}""",
            ])
        {
            var application = await scene.NewApplicationAsync([], McpScene.Scopes);
            var user = await scene.NewUserAsync(application);
            await user.ConnectAsync();
            await using var client = await scene.ClientAsync(user);
            var call = new { connection = VaultScene.Calendar, url = scene.Api1.Origin + "/v1/x", scopes = new[] { "calendar.read" } };
            (await McpScene.CallAsync(client, "call_on_behalf", call)).Failed.ShouldBeFalse();
            (await (await scene.AdminAsync()).PatchAsync("clients/" + application.Credentials.ClientId, JsonNode.Parse(change)!)).Status.ShouldBe(200, change);
            var calls = scene.Api1.Calls.Count;

            var (failed, answer) = await McpScene.CallAsync(client, "call_on_behalf", call);

            (failed, (string?)answer["error"]).ShouldBe((true, FailureReason.PolicyDenied), change + answer.ToJsonString());
            scene.Api1.Calls.Count.ShouldBe(calls);
        }
    }

    [Fact]
    public async Task T_ST_13_nobody_reaches_anothers_account()
    {
        await scene.ConnectedUserAsync(person: "grace");
        var user = await scene.NewUserAsync();
        await using var client = await scene.ClientAsync(user);

        foreach (var account in (string?[])[null, "grace", "ada"])
        {
            var (failed, answer) = await McpScene.CallAsync(client, "call_on_behalf", new { connection = VaultScene.Calendar, url = scene.Api1.Origin + "/v1/x", account });
            (failed, (string?)answer["error"]).ShouldBe((true, FailureReason.NotConnected));
            ((string?)answer["connect_url"])!.ShouldStartWith(scene.Vault.Issuer + "mcp/connect?request=");
        }

        var (_, accounts) = await McpScene.CallAsync(client, "list_connected_accounts");
        accounts["accounts"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_call_waits_for_the_approval_that_a_rule_demands()
    {
        var application = await scene.NewApplicationAsync(
            JsonNode.Parse("""{"agent_policy":{"connections":[{"connection":"calendar"}],"approval":"required"}}""")!.AsObject(), McpScene.Scopes);
        var user = await scene.NewUserAsync(application);
        await user.ConnectAsync();
        await using var client = await scene.ClientAsync(user);
        var call = new { connection = VaultScene.Calendar, url = scene.Api1.Origin + "/v1/approved" };

        var (_, pending) = await McpScene.CallAsync(client, "call_on_behalf", call);
        ((string?)pending["error"]).ShouldBe(FailureReason.ApprovalRequired);
        scene.Api1.Calls.ShouldNotContain(one => one.Target == "/v1/approved");
        await Approvals.ApprovalScene.ApproveAsync(user.Browser, (string)pending["approval_uri"]!);
        (await McpScene.CallAsync(client, "call_on_behalf", call)).Failed.ShouldBeFalse();
        scene.Api1.Calls.Count(one => one.Target == "/v1/approved").ShouldBe(1);
    }

    [Theory]
    [InlineData("https://api.example/", null)]
    [InlineData("http://127.0.0.1:5000/v1/", null)]
    [InlineData("https://api.example", "plain")]
    [InlineData("https://api.example/v1", "slash")]
    [InlineData("https://api.example/?a=/", "slash")]
    [InlineData("http://api.example/", "https")]
    [InlineData("https://api.example:443/", "plain")]
    [InlineData("https://API.example/", "plain")]
    [InlineData("", "missing")]
    public void A_base_url_is_an_address_in_the_plain_spelling_that_ends_with_a_slash(string url, string? problem)
    {
        if (problem is null)
        {
            CallTarget.BaseProblem(url).ShouldBeNull();
            return;
        }

        CallTarget.BaseProblem(url)!.ShouldContain(problem);
    }
}
