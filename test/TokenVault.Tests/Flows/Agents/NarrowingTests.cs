using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Agents;

/// <summary>T-ST-14: a token that leaves is never good for more than the client may have. These tests move the clock.</summary>
public sealed class NarrowingTests(AgentScene scene) : IClassFixture<AgentScene>
{
    private const string ReadOnly = """{"connections":[{"connection":"narrowing","scopes":["calendar.read"]},{"connection":"calendar","scopes":["calendar.list"]}]}""";

    [Fact]
    public async Task T_ST_14_where_the_provider_narrows_the_agent_gets_a_token_of_its_own_and_the_vault_keeps_the_users()
    {
        var (user, client) = await scene.AgentAsync(policy: null, AgentScene.Narrowing);
        var full = await user.ExchangeAsync(AgentScene.Narrowing);
        scene.ScopesOf(full).ShouldContain(AgentScene.Write);
        await scene.PolicyAsync(client, ReadOnly);
        var before = await TokensetAsync(user);

        var narrow = await user.ExchangeAsync(AgentScene.Narrowing);
        narrow.ShouldBeGranted();
        scene.ScopesOf(narrow).ShouldBe([AgentScene.Read]);
        narrow["scope"].ShouldBe(AgentScene.Read);
        narrow["refresh_token"].ShouldBeNull();
        scene.Provider.IsLive(narrow["access_token"]!).ShouldBeTrue();
        var row = (await scene.AuditAsync("seta", user.Id))[^1];
        ((string?)row["scope"], (string?)row["details"]!["scope"]).ShouldBe((AgentScene.Read, AgentScene.Read));

        // The tokenset is as it was, for whoever may have all of it, and so is the grant after the next refresh.
        var after = await TokensetAsync(user);
        (after.Generation, after.Version, after.Scopes.Count).ShouldBe((before.Generation, before.Version, before.Scopes.Count));
        await scene.PolicyAsync(client, policy: null);
        (await user.ExchangeAsync(AgentScene.Narrowing))["access_token"].ShouldBe(full["access_token"]);
        scene.EndAccessTokens();
        scene.ScopesOf(await user.ExchangeAsync(AgentScene.Narrowing)).ShouldContain(AgentScene.Write);
        await scene.PolicyAsync(client, ReadOnly);
        scene.ScopesOf(await user.ExchangeAsync(AgentScene.Narrowing)).ShouldBe([AgentScene.Read]);
    }

    [Fact]
    public async Task T_ST_14_what_is_asked_for_beyond_the_policy_is_denied_and_less_is_less()
    {
        var (user, client) = await scene.AgentAsync("""{"connections":[{"connection":"narrowing","scopes":["calendar.read","calendar.list"]}]}""", []);
        await scene.PolicyAsync(client, policy: null);
        await user.ConnectAsync(AgentScene.Narrowing);
        await scene.PolicyAsync(client, """{"connections":[{"connection":"narrowing","scopes":["calendar.read","calendar.list"]}]}""");
        var calls = scene.Provider.Refresh.Calls;
        AgentScene.Denied(await user.ExchangeAsync(AgentScene.Narrowing, AgentScene.Asking("calendar.read calendar.write")));
        (await user.ExchangeAsync(AgentScene.Narrowing, AgentScene.Asking("calendar.list")))["reason"].ShouldBe(FailureReason.InsufficientScope);
        scene.Provider.Refresh.Calls.ShouldBe(calls);
        scene.ScopesOf(await user.ExchangeAsync(AgentScene.Narrowing, AgentScene.Asking("openid calendar.read"))).ShouldBe(["openid", AgentScene.Read]);
    }

    [Fact]
    public async Task T_ST_14_where_it_is_not_known_that_the_provider_narrows_nothing_leaves()
    {
        var (user, client) = await scene.AgentAsync(policy: null, VaultScene.Calendar);
        await scene.PolicyAsync(client, ReadOnly);
        var calls = scene.Provider.Refresh.Calls;
        AgentScene.Denied(await user.ExchangeAsync());
        AgentScene.Denied(await user.ExchangeAsync(more: AgentScene.Asking("calendar.read")));
        scene.Provider.Refresh.Calls.ShouldBe(calls);
        await scene.PolicyAsync(client, """{"connections":[{"connection":"calendar","scopes":["calendar.read"]}]}""");
        (await user.ExchangeAsync()).ShouldBeGranted();
    }

    [Fact]
    public async Task T_ST_14_a_provider_that_gives_more_than_was_asked_for_or_refuses_does_not_get_its_token_out()
    {
        var (user, client) = await scene.AgentAsync(policy: null, AgentScene.Narrowing);
        await scene.PolicyAsync(client, ReadOnly);
        scene.Provider.Refresh.Next(Fault.Scopes("calendar.read", "calendar.write"), Fault.Scopes("openid"), Fault.Error(400, "invalid_scope"));
        for (var i = 0; i < 3; i++)
        {
            AgentScene.Denied(await user.ExchangeAsync(AgentScene.Narrowing));
        }

        scene.Provider.Refresh.Next(Fault.Error(400, "invalid_grant"));
        (await user.ExchangeAsync(AgentScene.Narrowing))["reason"].ShouldBe(FailureReason.ReauthorizationRequired);
        scene.Provider.Refresh.Next(Fault.Status(503));
        var away = await user.ExchangeAsync(AgentScene.Narrowing);
        (away.Status, away["reason"]).ShouldBe((503, FailureReason.TemporarilyUnavailable));
        scene.ScopesOf(await user.ExchangeAsync(AgentScene.Narrowing)).ShouldBe([AgentScene.Read]);
        (await TokensetAsync(user)).State.ShouldBe(TokensetState.Active);
    }

    /// <summary>What was not asked for, nobody has approved, also where the policy allows it.</summary>
    [Fact]
    public async Task T_ST_14_a_provider_that_narrows_less_than_it_was_asked_to_does_not_get_past_an_approval()
    {
        const string connection = "narrowing-guarded";
        var options = scene.Provider.OidcOptions([.. AgentScene.AllScopes, "calendar.list"]);
        (options["rotation_class"], options["downscope"]) = ("stable", "refresh");
        var made = await scene.AddConnectionAsync(connection, options: options);
        var (user, client) = await scene.AgentAsync(policy: null);
        await scene.EnableAsync(connection, client);
        await user.ConnectAsync(connection);
        var guard = new JsonObject { ["connected_accounts"] = new JsonObject { ["active"] = true, ["approval"] = new JsonObject { ["scopes"] = new JsonArray(AgentScene.Write) } } };
        (await (await scene.AdminAsync()).PatchAsync("connections/" + (string)made["id"]!, guard)).Status.ShouldBe(200);
        await scene.PolicyAsync(client, """{"connections":[{"connection":"narrowing-guarded","scopes":["calendar.read","calendar.write"]}]}""");

        (await user.ExchangeAsync(connection))["error"].ShouldBe("authorization_pending");
        scene.ScopesOf(await user.ExchangeAsync(connection, AgentScene.Asking(AgentScene.Read))).ShouldBe([AgentScene.Read]);
        scene.Provider.Refresh.Next(Fault.Scopes(AgentScene.Read, AgentScene.Write));
        AgentScene.Denied(await user.ExchangeAsync(connection, AgentScene.Asking(AgentScene.Read)));
    }

    [Fact]
    public async Task An_answer_without_scopes_grants_what_was_asked_for_and_all_who_ask_at_once_share_it()
    {
        var (user, client) = await scene.AgentAsync(policy: null, AgentScene.Narrowing);
        await scene.PolicyAsync(client, ReadOnly);
        scene.Provider.Refresh.Next(Fault.NoScope());
        (await user.ExchangeAsync(AgentScene.Narrowing))["scope"].ShouldBe(AgentScene.Read);

        var gate = new FakeGate();
        scene.Provider.Refresh.Next(Fault.Held(gate));
        var calls = scene.Provider.Refresh.Calls;
        var waiting = Enumerable.Range(0, 5).Select(_ => user.ExchangeAsync(AgentScene.Narrowing)).ToList();
        await gate.Entered;
        gate.Release();
        var answers = await Task.WhenAll(waiting);
        answers.ShouldAllBe(answer => answer.Status == 200 && answer["scope"] == AgentScene.Read);
        (scene.Provider.Refresh.Calls - calls).ShouldBeInRange(1, 5);
    }

    [Fact]
    public async Task A_refresh_token_that_comes_against_all_expectation_is_kept_for_when_the_stored_one_is_refused()
    {
        var (user, client) = await scene.AgentAsync(policy: null, AgentScene.Narrowing);
        await scene.PolicyAsync(client, ReadOnly);
        scene.Provider.Refresh.Next(Fault.Rewriting((answer, _) => answer["refresh_token"] = "sbx_rt_unexpected"));
        scene.ScopesOf(await user.ExchangeAsync(AgentScene.Narrowing)).ShouldBe([AgentScene.Read]);
        await scene.PolicyAsync(client, policy: null);

        // The stored one is refused: the spare takes its place, and is refused itself.
        scene.EndAccessTokens();
        scene.Provider.RevokeGrant("ada");
        (await user.ExchangeAsync(AgentScene.Narrowing))["reason"].ShouldBe(FailureReason.ReauthorizationRequired);
        scene.Provider.LastRefreshTokenSent.ShouldBe("sbx_rt_unexpected");
    }

    [Fact]
    public async Task A_workers_grant_and_its_policy_both_hold_and_narrow()
    {
        var user = await scene.NewUserAsync();
        await user.ConnectAsync(AgentScene.Narrowing);
        var worker = await scene.NewWorkerAsync(JsonNode.Parse("""{"grants":[{"connection":"narrowing","scopes":["calendar.read","calendar.write"]}]}""")!.AsObject());
        await scene.EnableAsync(AgentScene.Narrowing, worker.ClientId);
        var there = ("connection", (string?)AgentScene.Narrowing);
        scene.ScopesOf(await worker.ExchangeAsync(user.Id, there)).ShouldContain(AgentScene.Write);
        await scene.PolicyAsync(worker.ClientId, ReadOnly);
        scene.ScopesOf(await worker.ExchangeAsync(user.Id, there)).ShouldBe([AgentScene.Read]);
        await scene.PolicyAsync(worker.ClientId, policy: null);
        await scene.PatchAsync(worker, new JsonObject { ["token_vault_privileged_access"] = JsonNode.Parse("""{"grants":[{"connection":"narrowing","scopes":["calendar.read"]}]}""") });
        scene.ScopesOf(await worker.ExchangeAsync(user.Id, there)).ShouldBe([AgentScene.Read]);
        AgentScene.Denied(await worker.ExchangeAsync(user.Id, there, ("scope", "calendar.write")));
    }

    /// <summary>The contract's downscope request: narrowed, or refused, and never wider.</summary>
    [Fact]
    public async Task T_ST_14_a_workers_scope_is_the_most_that_its_token_is_good_for()
    {
        var user = await scene.NewUserAsync();
        await user.ConnectAsync(AgentScene.Narrowing);
        await user.ConnectAsync();
        var worker = await scene.NewWorkerAsync();
        await scene.EnableAsync(AgentScene.Narrowing, worker.ClientId);
        var there = ("connection", (string?)AgentScene.Narrowing);
        scene.ScopesOf(await worker.ExchangeAsync(user.Id, there, ("scope", AgentScene.Read))).ShouldBe([AgentScene.Read]);
        (await worker.ExchangeAsync(user.Id, ("scope", "calendar.read"))).ShouldBeGranted();
        AgentScene.Denied(await worker.ExchangeAsync(user.Id, ("scope", "openid")));
        (await worker.ExchangeAsync(user.Id, ("scope", "calendar.read calendar.write")))["reason"].ShouldBe(FailureReason.InsufficientScope);
    }

    [Theory]
    [InlineData("oidc", "single_use", 400)]
    [InlineData("oidc", null, 400)]
    [InlineData("oidc", "stable", 201)]
    [InlineData("github", null, 400)]
    [InlineData("google-oauth2", null, 201)]
    public async Task A_connection_can_narrow_only_where_refresh_tokens_stay_as_they_are(string strategy, string? rotation, int status)
    {
        var options = strategy == "oidc" ? scene.Provider.OidcOptions() : new JsonObject { ["client_id"] = "x", ["client_secret"] = "secret" };
        (options["downscope"], options["rotation_class"]) = ("refresh", rotation);
        var body = new JsonObject { ["name"] = $"{strategy}-{rotation ?? "default"}", ["strategy"] = strategy, ["options"] = options };
        var answer = await (await scene.AdminAsync()).PostAsync("connections", body);
        answer.Status.ShouldBe(status, answer.Text);
        if (status == 400)
        {
            answer["message"]!.ShouldContain("downscope");
            return;
        }

        ((string?)answer.Json["options"]!["downscope"]).ShouldBe("refresh");
    }

    private async Task<Tokenset> TokensetAsync(TestUser user) =>
        (await scene.Storage.ListAllAsync<Tokenset>(EntityKey.Index("user", user.Id), CancellationToken.None)).ShouldHaveSingleItem();
}
