using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Delegation;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Actions;

/// <summary>Foreign tokens, judged by the action that their profile names.</summary>
public sealed class ActionProfileTests(ActionScene scene) : IClassFixture<ActionScene>
{
    [Fact]
    public async Task The_action_is_shown_the_foreign_token_and_says_whose_it_is()
    {
        var user = await scene.NewUserAsync();
        await scene.MayExchangeAsync(user.Application);
        var action = await scene.ActionAsync(ActionScene.Custom, asked => (string?)asked.Event["transaction"]!["subject_token"] switch
        {
            "good" => ActionReply.Commands($$"""{"type":"set_user","user_id":"{{user.Id}}"}"""),
            "acting" => ActionReply.Commands($$$"""{"type":"set_user","user_id":"{{{user.Id}}}","actor":{"sub":"partner"}}"""),
            "actorless" => ActionReply.Commands($$$"""{"type":"set_user","user_id":"{{{user.Id}}}","actor":{"name":"partner"}}"""),
            "bad" => ActionReply.Commands("""{"type":"deny","reason":"The partner does not know the token"}"""),
            "broken" => new ActionReply(500, ""),
            "mfa" => ActionReply.Commands("""{"type":"require_mfa"}"""),
            "nobody" => ActionReply.Commands("""{"type":"set_user","user_id":"auth0|nobody"}"""),
            _ => ActionReply.Commands(),
        });
        var type = await ProfileAsync(action);

        var good = await ExchangeAsync(user.Application, type, "good");
        good.ShouldBeGranted();
        ((string?)Answers.Claims(good["access_token"])["sub"], good["scope"]).ShouldBe((user.Id, "read:calendar"));
        var asked = action.Asked.ShouldHaveSingleItem().Event;
        ((string?)asked["transaction"]!["subject_token_type"], (string?)asked["transaction"]!["protocol"], (string?)asked["resource_server"]!["identifier"])
            .ShouldBe((type, "oauth2-token-exchange", VaultScene.Api));
        asked["user"].ShouldBeNull();
        DelegationScene.ActorsOf((await ExchangeAsync(user.Application, type, "acting"))["access_token"]).ShouldBe(["partner"]);

        (await ExchangeAsync(user.Application, type, "bad")).ShouldBeRefused(403, "access_denied");
        (await ExchangeAsync(user.Application, type, "bad"))["error_description"].ShouldBe("The partner does not know the token");
        foreach (var token in (string[])["broken", "mfa", "actorless", "undecided"])
        {
            (await ExchangeAsync(user.Application, type, token)).ShouldBeRefused(403, "access_denied");
        }

        (await ExchangeAsync(user.Application, type, "nobody")).ShouldBeRefused(400, "invalid_request");
        (await scene.AuditAsync("secte", user.Id)).Count.ShouldBe(2);
        (await scene.AuditAsync("actions_denied")).ShouldContain(row => (string?)row["details"]!["action_id"] == action.Id);
    }

    [Fact]
    public async Task Whoever_it_was_decided_to_be_the_actions_of_token_exchange_are_asked_too()
    {
        var user = await scene.NewUserAsync();
        await scene.MayExchangeAsync(user.Application);
        var type = await ProfileAsync(await scene.ActionAsync(ActionScene.Custom, ActionScene.Always($$"""{"type":"set_user","user_id":"{{user.Id}}"}""")));
        var (guard, bound) = await scene.BoundAsync(ActionScene.TokenExchange, ActionScene.Always("""{"type":"deny"}"""));
        await using (bound)
        {
            (await ExchangeAsync(user.Application, type, "any")).ShouldBeRefused(403, "access_denied");
        }

        var asked = guard.Asked.ShouldHaveSingleItem();
        ((string?)asked.Event["user"]!["user_id"]).ShouldBe(user.Id);
        asked.Body.ShouldNotContain("\"subject_token\"");
    }

    [Fact]
    public async Task An_action_of_another_trigger_decides_nothing()
    {
        var user = await scene.NewUserAsync();
        await scene.MayExchangeAsync(user.Application);
        var action = await scene.ActionAsync(ActionScene.TokenExchange, ActionScene.Always($$"""{"type":"set_user","user_id":"{{user.Id}}"}"""));
        (await ExchangeAsync(user.Application, await ProfileAsync(action), "any")).ShouldBeRefused(403, "access_denied");
        action.Asked.ShouldBeEmpty();
    }

    private async Task<string> ProfileAsync(TestAction action)
    {
        var type = "urn:partner:" + action.Name;
        var profile = new JsonObject { ["name"] = "Partner", ["subject_token_type"] = type, ["action_id"] = action.Id };
        await (await scene.AdminAsync()).CreateAsync("token-exchange-profiles", profile);
        return type;
    }

    private static Task<Answer> ExchangeAsync(Application app, string type, string token) => app.TokenAsync(new JsonObject
    {
        ["grant_type"] = Wire.TokenExchange,
        ["subject_token"] = token,
        ["subject_token_type"] = type,
        ["audience"] = VaultScene.Api,
        ["scope"] = "read:calendar",
    });
}
