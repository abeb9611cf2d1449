using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Actions;

/// <summary>What actions are told, and how they know who tells it.</summary>
public sealed class ActionEventTests(ActionScene scene) : IClassFixture<ActionScene>
{
    [Theory]
    [InlineData("code", ActionScene.PostLogin, "oidc-basic-profile", VaultScene.Api, "Username-Password-Authentication")]
    [InlineData("refresh", ActionScene.PostLogin, "oauth2-refresh-token", VaultScene.Api, "Username-Password-Authentication")]
    [InlineData("vault by refresh token", ActionScene.TokenExchange, "oauth2-token-exchange", null, VaultScene.Calendar)]
    [InlineData("vault by access token", ActionScene.TokenExchange, "oauth2-token-exchange", null, VaultScene.Calendar)]
    [InlineData("vault by worker", ActionScene.TokenExchange, "oauth2-token-exchange", null, VaultScene.Calendar)]
    [InlineData("RFC 8693", ActionScene.TokenExchange, "oauth2-token-exchange", VaultScene.Api, null)]
    public async Task Each_way_to_a_token_is_told_by_its_protocol(string way, string trigger, string protocol, string? api, string? connection)
    {
        var user = await scene.ConnectedUserAsync();
        await scene.MayExchangeAsync(user.Application);
        var worker = await scene.NewWorkerAsync();
        var (action, bound) = await scene.BoundAsync(trigger, ActionScene.Always());
        await using (bound)
        {
            (await AskAsync(way, user, worker)).Status.ShouldBe(200);
        }

        var asked = action.Asked.ShouldHaveSingleItem();
        ((string?)asked.Json["trigger"], (string?)asked.Event["transaction"]!["protocol"]).ShouldBe((trigger, protocol));
        ((string?)asked.Event["user"]!["user_id"], (string?)asked.Event["user"]!["email"]).ShouldBe((user.Id, user.Email));
        ((string?)asked.Event["client"]!["client_id"]).ShouldBe(way switch
        {
            "vault by access token" => scene.ApiClient.Credentials.ClientId,
            "vault by worker" => worker.ClientId,
            _ => user.Application.Credentials.ClientId,
        });
        ((string?)asked.Event["resource_server"]?["identifier"], (string?)asked.Event["connection"]?["name"]).ShouldBe((api, connection));
        ((string?)asked.Event["request"]!["ip"]).ShouldBe("127.0.0.1");
        var methods = asked.Event["authentication"]!["methods"]!.AsArray().Select(method => (string?)method!["name"]);
        methods.ShouldBe(way == "vault by worker" ? [] : ["pwd"]);
        if (way == "code")
        {
            asked.Event["transaction"]!["requested_scopes"]!.AsArray().Select(scope => (string?)scope).ShouldContain("read:calendar");
        }

        if (way == "vault by worker")
        {
            ((string?)asked.Event["transaction"]!["audit_context"]).ShouldBe("Nightly synchronisation");
        }
    }

    [Fact]
    public async Task T_EN_01_No_token_and_no_secret_is_in_an_event_or_in_the_log_and_the_action_tells_its_secret_once()
    {
        var user = await scene.ConnectedUserAsync();
        await scene.MayExchangeAsync(user.Application);
        var worker = await scene.NewWorkerAsync();
        var (login, exchange) = (await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always()), await scene.ActionAsync(ActionScene.TokenExchange, ActionScene.Always()));
        var got = new List<Answer>();
        await using (await scene.BindAsync(ActionScene.PostLogin, login))
        await using (await scene.BindAsync(ActionScene.TokenExchange, exchange))
        {
            foreach (var way in (string[])["code", "refresh", "vault by refresh token", "vault by access token", "vault by worker", "RFC 8693"])
            {
                got.Add(await AskAsync(way, user, worker));
            }
        }

        var canaries = new List<string> { user.Password, user.RefreshToken, user.AccessToken, user.IdToken!, user.Application.Credentials.ClientSecret, login.Secret, exchange.Secret };
        canaries.AddRange(got.SelectMany(answer => new[] { answer["access_token"], answer["refresh_token"], answer["id_token"] }).OfType<string>());
        canaries.AddRange(scene.Provider.Commits.SelectMany(commit => new[] { commit.AccessToken, commit.RefreshToken }).OfType<string>());
        canaries.Count.ShouldBeGreaterThan(12);
        var rows = await scene.Storage.ReadAuditAsync(0, 100_000, CancellationToken.None);
        var haystacks = scene.Receiver.Asked.Select(asked => Encoding.UTF8.GetBytes(asked.Body + asked.Headers.Authorization))
            .Concat(rows.Select(row => row.Body.ToArray())).Append(Encoding.UTF8.GetBytes(scene.Vault.Log.Text)).ToList();
        scene.Receiver.Asked.Count.ShouldBeGreaterThanOrEqualTo(6);
        haystacks.ShouldAllBe(stack => !canaries.Any(canary => CanarySearch.Found(stack, canary)));
        haystacks.ShouldContain(stack => CanarySearch.Found(stack, user.Email), "the search finds what is there");

        var admin = await scene.AdminAsync();
        (await admin.GetAsync("actions/actions/" + login.Id)).Text.ShouldNotContain(login.Secret);
        (await admin.GetAsync("actions/actions?per_page=100")).Text.ShouldNotContain(login.Secret);
        (await admin.GetAsync($"actions/triggers/{ActionScene.PostLogin}/bindings")).Text.ShouldNotContain(login.Secret);
    }

    [Fact]
    public async Task T_AU_07_A_call_is_signed_with_its_time_and_a_changed_one_is_not_the_servers()
    {
        var user = await scene.NewUserAsync();
        var (action, bound) = await scene.BoundAsync(ActionScene.PostLogin, ActionScene.Always());
        await using (bound)
        {
            (await user.Application.RefreshAsync(user.RefreshToken)).ShouldBeGranted();
        }

        var asked = action.Asked.ShouldHaveSingleItem();
        var signature = asked.Headers["TokenVault-Signature"].ToString();
        signature.ShouldMatch("^t=[0-9]+,v1=[0-9a-f]{64}$");
        signature.ShouldStartWith($"t={scene.Clock.GetUtcNow().ToUnixTimeSeconds()},");
        Mac(action.Secret, signature, asked.Body).ShouldBe(signature[^64..]);
        Mac(action.Secret, signature, asked.Body.Replace(user.Id, "auth0|other", StringComparison.Ordinal)).ShouldNotBe(signature[^64..]);
        Mac(action.Secret, "t=1" + signature[2..], asked.Body).ShouldNotBe(signature[^64..]);
        Mac("whsec_other", signature, asked.Body).ShouldNotBe(signature[^64..]);
        asked.Headers["Idempotency-Key"].ToString().ShouldBe((string?)asked.Json["id"]);
        asked.Headers.Authorization.ToString().ShouldBeEmpty();
    }

    [Fact]
    public async Task An_exchange_is_told_of_users_as_they_are_and_not_as_they_are_remembered()
    {
        var user = await scene.ConnectedUserAsync();
        (await user.ExchangeAsync()).ShouldBeGranted();
        (await user.ExchangeAsync()).ShouldBeGranted();
        var change = new JsonObject { ["app_metadata"] = new JsonObject { ["tier"] = "gold" } };
        (await (await scene.AdminAsync()).PatchAsync("users/" + Uri.EscapeDataString(user.Id), change)).Status.ShouldBe(200);
        var (action, bound) = await scene.BoundAsync(ActionScene.TokenExchange, ActionScene.Always());
        await using (bound)
        {
            (await user.ExchangeAsync()).ShouldBeGranted();
        }

        ((string?)action.Asked.ShouldHaveSingleItem().Event["user"]!["app_metadata"]!["tier"]).ShouldBe("gold");
        (await user.ExchangeAsync()).ShouldBeGranted();
        action.Asked.Count.ShouldBe(1);
    }

    private static string Mac(string secret, string signature, string body) => Convert.ToHexStringLower(HMACSHA256.HashData(
        Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{signature[..signature.IndexOf(",v1=", StringComparison.Ordinal)]}.{body}")));

    private static async Task<Answer> AskAsync(string way, TestUser user, Workers.Worker worker) => way switch
    {
        "code" => await user.Application.SignInAsync(user.Browser, user.Email, user.Password, VaultScene.Api, "openid offline_access read:calendar"),
        "refresh" => await user.Application.RefreshAsync(user.RefreshToken),
        "vault by refresh token" => await user.ExchangeAsync(),
        "vault by access token" => await user.ExchangeByAccessTokenAsync(),
        "vault by worker" => await worker.ExchangeAsync(user.Id),
        _ => await ActionScene.ImpersonateAsync(user),
    };
}
