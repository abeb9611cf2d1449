using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>A worker behind a trusted proxy, which the tests' own requests play. These tests move the clock.</summary>
public sealed class BoundedScene : WorkerScene
{
    private protected override IReadOnlyDictionary<string, string?> Settings { get; } = new Dictionary<string, string?>
    {
        ["TokenVault:Proxy:TrustedNetworks:0"] = "127.0.0.0/8",
        ["TokenVault:Proxy:TrustedNetworks:1"] = "::1",
        ["TokenVault:Proxy:TrustedNetworks:2"] = "10.0.0.0/8",
        ["TokenVault:PrivilegedWorker:RefreshTokens"] = "false",
    };
}

public sealed class WorkerBoundsTests(BoundedScene scene) : IClassFixture<BoundedScene>
{
    [Theory]
    [InlineData("""["203.0.113.7"]""", "203.0.113.7", true)]
    [InlineData("""["203.0.113.7"]""", "203.0.113.8", false)]
    [InlineData("""["203.0.113.0/24"]""", "203.0.113.255", true)]
    [InlineData("""["203.0.113.0/24"]""", "203.0.114.0", false)]
    [InlineData("""["2001:db8::/32"]""", "2001:db8:ffff::1", true)]
    [InlineData("""["2001:db8::/32"]""", "2001:db9::1", false)]
    [InlineData("""["203.0.113.7"]""", "::ffff:203.0.113.7", true)]
    [InlineData("""["::ffff:203.0.113.7"]""", "203.0.113.7", true)]
    [InlineData("""["203.0.113.7"]""", "203.0.113.8, 203.0.113.7", true)]
    [InlineData("""["203.0.113.7"]""", "203.0.113.7, 203.0.113.8", false)]
    [InlineData("""["203.0.113.7"]""", "203.0.113.7, 10.1.2.3", true)]
    [InlineData("""["203.0.113.7"]""", "203.0.113.8, 10.1.2.3", false)]
    [InlineData("""["203.0.113.7"]""", "203.0.113.7, garbage", false)]
    [InlineData("""["203.0.113.7"]""", null, false)]
    [InlineData("""["127.0.0.0/8","::1"]""", null, true)]
    [InlineData("""[]""", "203.0.113.7", false)]
    [InlineData("""["fe80::1"]""", "fe80::1%2", false)]
    public async Task T_PW_05_the_address_that_counts_is_the_one_that_the_trusted_proxy_saw(string list, string? forwarded, bool granted)
    {
        var worker = await scene.NewWorkerAsync(new JsonObject { ["ip_allowlist"] = JsonNode.Parse(list) });
        var answer = await SendAsync(worker, forwarded);
        if (granted)
        {
            answer.ShouldBeGranted();
            return;
        }

        answer.ShouldBeRefused(403, "access_denied");
        ((string?)(await scene.AuditAsync("feta"))[^1]["description"]).ShouldNotBeNull().ShouldContain("ip_allowlist");
    }

    [Fact]
    public async Task T_PW_05_a_miss_does_not_use_up_the_subject_token()
    {
        var worker = await scene.NewWorkerAsync(new JsonObject { ["ip_allowlist"] = new JsonArray("203.0.113.7") });
        var token = worker.SubjectToken(scene.User.Id);
        (await SendAsync(worker, "203.0.113.8", token)).ShouldBeRefused(403, "access_denied");
        (await SendAsync(worker, "203.0.113.7", token)).ShouldBeGranted();
    }

    [Fact]
    public async Task T_PW_09_grants_bound_the_connections_and_the_scopes()
    {
        await scene.AddConnectionAsync("other");
        var worker = await scene.NewWorkerAsync(Grants(VaultScene.Calendar, "calendar.read"));
        await scene.EnableAsync("other", worker.ClientId);
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
        (await worker.ExchangeAsync(scene.User.Id, ("connection", "other"))).ShouldBeRefused(403, "access_denied");
        await scene.PatchAsync(worker, Patch(Grants(VaultScene.Calendar, "calendar.write")));
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeRefused(403, "access_denied");
        await scene.PatchAsync(worker, Patch(new JsonObject { ["grants"] = new JsonArray() }));
        (await worker.ExchangeAsync(scene.User.Id))["reason"].ShouldBe("policy_denied");
        await scene.PatchAsync(worker, Patch(new JsonObject { ["grants"] = null }));
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
    }

    [Fact]
    public async Task T_PW_09_a_thief_reaches_as_many_users_as_the_budget_says_and_raises_the_alarm()
    {
        const int budget = 5;
        var worker = await scene.NewWorkerAsync(new JsonObject { ["users_per_hour"] = budget });
        var users = Enumerable.Range(0, 20).Select(i => i == 0 ? scene.User.Id : $"auth0|{i:x24}").ToList();
        var answers = new List<Answer>();
        foreach (var user in users)
        {
            answers.Add(await worker.ExchangeAsync(user));
        }

        answers.Count(answer => answer["error"] != "access_denied").ShouldBe(budget);
        answers[0].ShouldBeGranted();
        ((string?)(await scene.AuditAsync("feta"))[^1]["details"]!["requested_user_id"]).ShouldBe(users[^1]);
        var alarm = (await scene.AuditAsync("privileged_worker_limit_reached")).Where(row => (string?)row["client_id"] == worker.ClientId).ShouldHaveSingleItem();
        ((string?)alarm["details"]!["limit"]).ShouldBe("users_per_hour");
        scene.Vault.Log.Text.ShouldContain($"The privileged worker {worker.ClientId} has reached its limit");

        // Those who were counted already are served on, for an hour after their last time: no turn of the clock's hour begins anew.
        scene.Clock.Advance(TimeSpan.FromMinutes(59));
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
        (await worker.ExchangeAsync("auth0|another")).ShouldBeRefused(403, "access_denied");
        scene.Clock.Advance(TimeSpan.FromMinutes(2));
        for (var i = 1; i < budget; i++)
        {
            (await worker.ExchangeAsync($"auth0|another{i}")).ShouldBeRefused(403, "invalid_grant");
        }

        (await worker.ExchangeAsync("auth0|another")).ShouldBeRefused(403, "access_denied");
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
    }

    [Fact]
    public async Task T_PW_09_of_many_at_once_the_budget_is_not_exceeded()
    {
        var worker = await scene.NewWorkerAsync(new JsonObject { ["users_per_hour"] = 3, ["requests_per_minute"] = 6 });
        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => worker.ExchangeAsync($"auth0|{i % 8:x24}")));

        // Three requests for each of the three users who come first, as far as six requests go.
        answers.Count(answer => answer["error"] == "invalid_grant").ShouldBe(6);
        answers.ShouldAllBe(answer => answer.Status == 403 || answer.Status == 429);
    }

    [Fact]
    public async Task Of_many_at_once_within_the_budget_each_is_served()
    {
        const int many = 200;
        var worker = await scene.NewWorkerAsync(new JsonObject { ["users_per_hour"] = 10, ["requests_per_minute"] = many });
        var answers = await Task.WhenAll(Enumerable.Range(0, many).Select(_ => worker.ExchangeAsync(scene.User.Id)));
        answers.GroupBy(answer => $"{answer.Status} {answer["error"]}").Select(group => $"{group.Key}: {group.Count()}").ShouldBe([$"200 : {many}"]);
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeRefused(429, "too_many_requests");
    }

    [Fact]
    public async Task T_PW_09_requests_per_minute_are_bounded()
    {
        var worker = await scene.NewWorkerAsync(new JsonObject { ["requests_per_minute"] = 2 });
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
        var refused = await worker.ExchangeAsync(scene.User.Id);
        refused.ShouldBeRefused(429, "too_many_requests");
        refused.Header("Retry-After").ShouldNotBeNull();
        scene.Clock.Advance(TimeSpan.FromSeconds(61));
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
    }

    [Theory]
    [InlineData(Wire.VaultRefreshTokenType)]
    [InlineData(Wire.FederatedRefreshTokenType)]
    public async Task T_PW_10_a_deployment_can_refuse_every_refresh_token(string type)
    {
        var worker = await scene.NewWorkerAsync();
        (await worker.ExchangeAsync(scene.User.Id, ("requested_token_type", type))).ShouldBeRefused(403, "access_denied");
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
    }

    private static JsonObject Grants(string connection, string scope) =>
        new() { ["grants"] = new JsonArray(new JsonObject { ["connection"] = connection, ["scopes"] = new JsonArray(scope) }) };

    private static JsonObject Patch(JsonObject access) => new() { ["token_vault_privileged_access"] = access };

    private async Task<Answer> SendAsync(Worker worker, string? forwarded, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, scene.Vault.Issuer + "oauth/token")
        {
            Content = new FormUrlEncodedContent(worker.Request(token ?? worker.SubjectToken(scene.User.Id))),
        };
        if (forwarded is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", forwarded);
        }

        using var response = await scene.Vault.Api.Http.SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }
}
