using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Agents;

/// <summary>What an agent may have of its user's accounts, and for how long.</summary>
public sealed class AgentPolicyTests(AgentScene scene) : IClassFixture<AgentScene>
{
    [Fact]
    public async Task A_connection_that_the_policy_does_not_name_is_denied_before_the_provider_hears_of_it_and_the_log_says_why()
    {
        var (user, client) = await scene.AgentAsync(policy: null, VaultScene.Calendar, AgentScene.Narrowing);
        (await user.ExchangeAsync()).ShouldBeGranted();
        await scene.PolicyAsync(client, """{"connections":[{"connection":"narrowing"}]}""");
        scene.EndAccessTokens();
        var calls = scene.Provider.Refresh.Calls;
        AgentScene.Denied(await user.ExchangeAsync());
        scene.Provider.Refresh.Calls.ShouldBe(calls);
        var row = (await scene.AuditAsync("feta", user.Id)).ShouldHaveSingleItem();
        ((string?)row["description"])!.ShouldContain("agent policy does not name the connection");
        ((string?)row["details"]!["failure_reason"]).ShouldBe(FailureReason.PolicyDenied);
        (await user.ExchangeAsync(AgentScene.Narrowing)).ShouldBeGranted();

        // An empty list is nothing, no list is no restriction; and each is asked anew.
        await scene.PolicyAsync(client, """{"connections":[]}""");
        AgentScene.Denied(await user.ExchangeAsync(AgentScene.Narrowing));
        await scene.PolicyAsync(client, """{"max_lifetime":60}""");
        (await user.ExchangeAsync()).ShouldBeGranted();
        await scene.PolicyAsync(client, policy: null);
        (await user.ExchangeAsync()).ShouldBeGranted();
    }

    [Fact]
    public async Task Another_clients_policy_restricts_nobody_else()
    {
        var (user, _) = await scene.AgentAsync("""{"connections":[]}""");
        var (other, _) = await scene.AgentAsync(policy: null, VaultScene.Calendar);
        AgentScene.Denied(await user.ExchangeAsync());
        (await other.ExchangeAsync()).ShouldBeGranted();
    }

    [Fact]
    public async Task The_access_form_and_a_privileged_worker_are_held_to_their_clients_policies_too()
    {
        var user = await scene.ConnectedUserAsync();
        await scene.PolicyAsync(scene.ApiClient.Credentials.ClientId, """{"connections":[{"connection":"narrowing"}]}""");
        AgentScene.Denied(await user.ExchangeByAccessTokenAsync());
        await scene.PolicyAsync(scene.ApiClient.Credentials.ClientId, policy: null);
        (await user.ExchangeByAccessTokenAsync()).ShouldBeGranted();

        var worker = await scene.NewWorkerAsync();
        (await worker.ExchangeAsync(user.Id)).ShouldBeGranted();
        await scene.PolicyAsync(worker.ClientId, """{"connections":[{"connection":"narrowing"}]}""");
        AgentScene.Denied(await worker.ExchangeAsync(user.Id));
    }

    [Fact]
    public async Task A_lifetime_is_never_told_longer_than_the_policy_says()
    {
        var (user, client) = await scene.AgentAsync("""{"max_lifetime":120}""", VaultScene.Calendar);
        ((int)(await user.ExchangeAsync()).Json["expires_in"]!).ShouldBe(120);
        await scene.PolicyAsync(client, """{"max_lifetime":100000}""");
        ((int)(await user.ExchangeAsync()).Json["expires_in"]!).ShouldBeLessThanOrEqualTo(3600);
    }

    [Fact]
    public async Task A_token_of_an_exchange_lives_no_longer_than_the_policy_says()
    {
        var admin = await scene.AdminAsync();
        var id = scene.ApiClient.Credentials.ClientId;
        (await admin.PatchAsync("clients/" + id, new JsonObject { ["grant_types"] = new JsonArray(Wire.TokenExchange, Wire.FederatedExchange), ["agent_policy"] = new JsonObject { ["max_lifetime"] = 90 } })).Status.ShouldBe(200);
        await admin.CreateAsync("resource-servers", new JsonObject { ["identifier"] = "https://target.example/", ["name"] = "Target" });
        var user = await scene.NewUserAsync();
        var answer = await scene.ApiClient.TokenAsync(new JsonObject
        {
            ["grant_type"] = Wire.TokenExchange,
            ["subject_token"] = user.AccessToken,
            ["subject_token_type"] = Wire.AccessTokenType,
            ["audience"] = "https://target.example/",
        });
        answer.ShouldBeGranted();
        var claims = Answers.Claims(answer["access_token"]);
        ((int)answer.Json["expires_in"]!, (long)claims["exp"]! - (long)claims["iat"]!).ShouldBe((90, 90));
        await scene.PolicyAsync(id, policy: null);
    }

    [Fact]
    public async Task A_refresh_token_which_nothing_limits_is_not_for_a_client_whose_tokens_are_limited()
    {
        var worker = await scene.NewWorkerAsync();
        var asking = ("requested_token_type", (string?)Wire.VaultRefreshTokenType);
        foreach (var policy in (string[])["""{"max_lifetime":60}""", """{"connections":[{"connection":"calendar","scopes":["calendar.read"]}]}"""])
        {
            await scene.PolicyAsync(worker.ClientId, policy);
            AgentScene.Denied(await worker.ExchangeAsync(scene.User.Id, asking));
        }
    }

    [Fact]
    public async Task An_agent_connects_no_more_than_it_may_have()
    {
        var (user, client) = await scene.AgentAsync("""{"connections":[{"connection":"narrowing","scopes":["calendar.read"]}]}""");
        var token = await user.MyTokenAsync();
        VaultScene.Problem(await BeginAsync(VaultScene.Calendar), 403);
        foreach (var more in (string[])["""{"scopes":["calendar.write"]}""", """{"scopes":["openid","calendar.read","calendar.write"]}""", """{"authorization_params":{"connection_scope":"calendar.write"}}"""])
        {
            ((string?)VaultScene.Problem(await BeginAsync(AgentScene.Narrowing, JsonNode.Parse(more)!.AsObject()), 403)["detail"])!.ShouldContain("calendar.write");
        }

        (await BeginAsync(AgentScene.Narrowing, new JsonObject { ["scopes"] = new JsonArray("openid", "calendar.read") })).Status.ShouldBe(201);
        var listed = await user.MyAsync(HttpMethod.Get, "me/v1/connected-accounts/connections", token);
        listed.Json["connections"]!.AsArray().Select(connection => (string?)connection!["name"]).ShouldBe([AgentScene.Narrowing]);

        // What it does not name is what the connection is set to, as far as it may have that.
        await user.ConnectAsync(AgentScene.Narrowing);
        var exchanged = await user.ExchangeAsync(AgentScene.Narrowing);
        exchanged.ShouldBeGranted();
        scene.ScopesOf(exchanged).ShouldNotContain(AgentScene.Write);
        await scene.PolicyAsync(client, policy: null);
        (await BeginAsync(AgentScene.Narrowing, new JsonObject { ["scopes"] = new JsonArray("calendar.write") })).Status.ShouldBe(201);

        Task<Answer> BeginAsync(string connection, JsonObject? more = null)
        {
            var body = new JsonObject { ["connection"] = connection, ["redirect_uri"] = Operator.Callback };
            foreach (var (member, value) in more ?? [])
            {
                body[member] = value?.DeepClone();
            }

            return user.MyAsync(HttpMethod.Post, VaultScene.Connect, token, body);
        }
    }

    [Theory]
    [InlineData("""{"connections":[{"connection":"a"},{"connection":"a"}]}""")]
    [InlineData("""{"connections":[{"scopes":[]}]}""")]
    [InlineData("""{"connections":[{"connection":"a","scopes":["a b"]}]}""")]
    [InlineData("""{"connections":[{"connection":"a","scope":["a"]}]}""")]
    [InlineData("""{"connections":"a"}""")]
    [InlineData("""{"max_lifetime":0}""")]
    [InlineData("""{"max_lifetime":-1}""")]
    [InlineData("""{"max_lifetime":1.5}""")]
    [InlineData("""{"approval":"never"}""")]
    [InlineData("""{"aproval":"required"}""")]
    [InlineData("[]")]
    public async Task A_policy_that_is_not_one_is_refused(string policy)
    {
        var answer = await (await scene.AdminAsync()).PatchAsync("clients/" + scene.App.Credentials.ClientId, new JsonObject { ["agent_policy"] = JsonNode.Parse(policy) });
        (answer.Status, answer["errorCode"]).ShouldBe((400, "invalid_body"), answer.Text);
    }

    [Fact]
    public async Task A_policy_is_replaced_as_a_whole_and_shown_as_it_was_given()
    {
        var (_, client) = await scene.AgentAsync("""{"connections":[{"connection":"narrowing","scopes":["calendar.read"]},{"connection":"calendar"}],"max_lifetime":600,"approval":"required"}""");
        (await scene.Storage.FindAsync<Client>(client, CancellationToken.None))!.AgentPolicy!.RequiresApproval.ShouldBeTrue();
        await scene.PolicyAsync(client, """{"max_lifetime":60}""");
        await scene.PolicyAsync(client, "{}");
        (await (await scene.AdminAsync()).PatchAsync("clients/" + client, new JsonObject { ["name"] = "Renamed" })).Json["agent_policy"]!.ToJsonString().ShouldBe("{}");
        await scene.PolicyAsync(client, policy: null);
    }
}
