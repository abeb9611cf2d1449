using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Server.OAuth.TokenExchange;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Delegation;

/// <summary>Foreign tokens, judged by the action that their type's profile names.</summary>
public sealed class CustomProfileTests(DelegationScene scene) : IClassFixture<DelegationScene>
{
    [Fact]
    public async Task A_type_without_a_profile_or_without_an_action_is_refused()
    {
        var (app, _) = await scene.NewAppAsync();
        (await ExchangeAsync(app, "urn:partner:unknown")).ShouldBeRefused(400, "invalid_request");
        var type = await ProfileAsync("no-such-action");
        var refused = await ExchangeAsync(app, type);
        refused.ShouldBeRefused(403, "access_denied");
        refused["error_description"]!.ShouldContain("no-such-action");
        (await scene.AuditAsync("fecte")).Count(row => (string?)row["details"]!["subject_token_type"] == type).ShouldBe(1);
    }

    [Fact]
    public async Task The_action_says_whose_token_it_is_and_the_server_what_for()
    {
        var (app, user) = await scene.NewAppAsync();
        var type = await ProfileAsync("partner-tokens");
        scene.Actions["partner-tokens"] = request => request.Parameters["subject_token"] switch
        {
            "good" => new DecidedSubject(user.Id),
            "acting" => new DecidedSubject(user.Id) { Actor = ActorChain.Of("partner", "partner-app", prior: null) },
            "deep" => new DecidedSubject(user.Id) { Actor = ActorChain.Read(DelegationScene.Chain(["a", "b", "c", "d", "e", "f"])) },
            "nobody" => new DecidedSubject("auth0|nobody"),
            _ => OAuthError.InvalidRequest("The partner does not know the token."),
        };
        var answer = await ExchangeAsync(app, type, "good", "read:calendar write:events offline_access");
        ((string?)answer.ShouldBeExchanged()["sub"], answer["scope"]).ShouldBe((user.Id, "read:calendar write:events"));
        DelegationScene.ActorsOf((await ExchangeAsync(app, type, "acting"))["access_token"]).ShouldBe(["partner"]);
        (await scene.AuditAsync("secte", user.Id)).Count.ShouldBe(2);

        (await ExchangeAsync(app, type, "bad")).ShouldBeRefused(400, "invalid_request");
        (await ExchangeAsync(app, type, "deep")).ShouldBeRefused(400, "invalid_request");
        (await ExchangeAsync(app, type, "nobody")).ShouldBeRefused(400, "invalid_request");
        (await ExchangeAsync(app, type, "good", audience: scene.Vault.Issuer + "api/v2/")).ShouldBeRefused(400, "invalid_target");
        (await (await scene.AdminAsync()).PatchAsync("users/" + Uri.EscapeDataString(user.Id), new JsonObject { ["blocked"] = true })).Status.ShouldBe(200);
        (await ExchangeAsync(app, type, "good")).ShouldBeRefused(400, "invalid_request");
    }

    [Fact]
    public async Task A_client_that_may_act_on_behalf_of_users_only_may_not_bring_foreign_tokens()
    {
        var (app, user) = await scene.NewAppAsync();
        var type = await ProfileAsync("kinds");
        scene.Actions["kinds"] = _ => new DecidedSubject(user.Id);
        var path = "clients/" + app.Credentials.ClientId;
        foreach (var (kind, allowed) in ((string, bool)[])[("on_behalf_of_token_exchange", false), ("custom_authentication", true)])
        {
            var body = new JsonObject { ["grant_types"] = new JsonArray(), ["token_exchange"] = new JsonObject { ["allow_any_profile_of_type"] = new JsonArray(kind) } };
            (await (await scene.AdminAsync()).PatchAsync(path, body)).Status.ShouldBe(200);
            var answer = await ExchangeAsync(app, type);
            answer.Status.ShouldBe(allowed ? 200 : 403, answer.Text);
        }
    }

    private async Task<string> ProfileAsync(string action)
    {
        var type = "urn:partner:" + action;
        await (await scene.AdminAsync()).CreateAsync("token-exchange-profiles", new JsonObject { ["name"] = action, ["subject_token_type"] = type, ["action_id"] = action });
        return type;
    }

    private static Task<Answer> ExchangeAsync(Application app, string type, string token = "good", string? scope = null, string audience = DelegationScene.Events) =>
        DelegationScene.ExchangeAsync(app, token, audience, new JsonObject { ["subject_token_type"] = type, ["scope"] = scope });
}
