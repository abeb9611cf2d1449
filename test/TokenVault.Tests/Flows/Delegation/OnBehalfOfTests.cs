using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Delegation;

/// <summary>An API that calls another one for the user that it was called for (contract §3.3, RFC 8693).</summary>
public sealed class OnBehalfOfTests(DelegationScene scene) : IClassFixture<DelegationScene>
{
    [Fact]
    public async Task An_API_gets_a_token_of_the_same_user_for_another_API_that_says_who_acts()
    {
        var user = await scene.NewUserAsync();
        var answer = await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken);

        var claims = answer.ShouldBeExchanged();
        var (api, app) = (scene.ApiClient.Credentials.ClientId, scene.App.Credentials.ClientId);
        ((string?)claims["sub"], (string?)claims["aud"], (string?)claims["azp"]).ShouldBe((user.Id, DelegationScene.Events, api));
        claims["act"]!.ToJsonString().ShouldBe($$$"""{"sub":"{{{api}}}","client_id":"{{{api}}}","act":{"sub":"{{{app}}}","client_id":"{{{app}}}"}}""");
        ((string?)claims["scope"], answer["scope"]).ShouldBe((DelegationScene.ReadCalendar, DelegationScene.ReadCalendar));
        claims["amr"]!.ToJsonString().ShouldBe(Answers.Claims(user.AccessToken)["amr"]!.ToJsonString());
        ((string?)claims["jti"]).ShouldNotBe((string?)Answers.Claims(user.AccessToken)["jti"]);

        var row = (await scene.AuditAsync("success_on_behalf_of_token_exchange", user.Id)).ShouldHaveSingleItem();
        ((string?)row["client_id"], (string?)row["audience"], (string?)row["scope"]).ShouldBe((api, DelegationScene.Events, DelegationScene.ReadCalendar));
        ((string?)row["details"]!["subject_client_id"]).ShouldBe(app);
        row["details"]!["act"]!.ToJsonString().ShouldBe(claims["act"]!.ToJsonString());
        row.ToJsonString().ShouldNotContain(answer["access_token"]!);
    }

    [Fact]
    public async Task The_chain_grows_by_each_API_and_ends_at_five()
    {
        var user = await scene.NewUserAsync();
        var second = (await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken))["access_token"]!;
        var third = await DelegationScene.ExchangeAsync(scene.EventsClient, second, VaultScene.Api);
        third.ShouldBeExchanged();
        string[] three = [scene.EventsClient.Credentials.ClientId, scene.ApiClient.Credentials.ClientId, scene.App.Credentials.ClientId];
        DelegationScene.ActorsOf(third["access_token"]).ShouldBe(three);

        var fourth = (await DelegationScene.ExchangeAsync(scene.ApiClient, third["access_token"]!))["access_token"]!;
        var fifth = (await DelegationScene.ExchangeAsync(scene.EventsClient, fourth, VaultScene.Api))["access_token"]!;
        DelegationScene.ActorsOf(fifth).Count.ShouldBe(5);
        var sixth = await DelegationScene.ExchangeAsync(scene.ApiClient, fifth);
        sixth.ShouldBeRefused(400, "invalid_request");
        sixth["error_description"].ShouldBe("Delegation chain (`act` claim) depth exceeds the maximum allowed limit of 4");
        (await scene.AuditAsync("failed_on_behalf_of_token_exchange", user.Id)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task An_act_that_an_action_put_into_the_subject_token_is_carried_on_as_it_is()
    {
        var user = await scene.NewUserAsync();
        var token = scene.Resign(user.AccessToken, claims => claims["act"] = new JsonObject { ["sub"] = "support@example.com", ["ticket"] = 4711 });
        var claims = (await DelegationScene.ExchangeAsync(scene.ApiClient, token)).ShouldBeExchanged();
        claims["act"]!["act"]!.ToJsonString().ShouldBe("""{"sub":"support@example.com","ticket":4711}""");
    }

    /// <summary>One name at two APIs is the most that a subject token says of the other; more is the operator's to grant, in Auth0's own way.</summary>
    [Fact]
    public async Task T_ST_14_the_scopes_are_those_of_the_subject_token_or_of_an_operators_grant_and_never_others()
    {
        var admin = await scene.AdminAsync();
        var target = $"https://target.example/{Identifier.Secret()}";
        await scene.NewApiAsync(target);
        var api = $"https://middle.example/{Identifier.Secret()}";
        var middle = await scene.NewApiAsync(api);
        var user = await scene.NewUserAsync();
        var token = (await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken, api))["access_token"]!;
        (await DelegationScene.ExchangeAsync(middle, token, target))["scope"].ShouldBe(DelegationScene.ReadCalendar);
        (await DelegationScene.ExchangeAsync(middle, token, target, Asking("read:calendar write:events")))["scope"].ShouldBe(DelegationScene.ReadCalendar);
        (await DelegationScene.ExchangeAsync(middle, token, target, Asking("write:events"))).ShouldBeRefused(400, "invalid_scope");

        // A grant alone is not enough; and with what lets the client act on behalf of users, nothing beyond it is.
        await admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = middle.Credentials.ClientId,
            ["audience"] = target,
            ["scope"] = new JsonArray("write:events"),
            ["subject_type"] = "user",
        });
        (await DelegationScene.ExchangeAsync(middle, token, target, Asking("write:events"))).ShouldBeRefused(400, "invalid_scope");
        await scene.MayExchangeAsync(middle, new JsonObject { ["allow_any_profile_of_type"] = new JsonArray("on_behalf_of_token_exchange") });
        (await DelegationScene.ExchangeAsync(middle, token, target, Asking("write:events")))["scope"].ShouldBe("write:events");
        (await DelegationScene.ExchangeAsync(middle, token, api, Asking("write:events"))).ShouldBeRefused(400, "invalid_scope");
        (await DelegationScene.ExchangeAsync(middle, token, target, Asking("offline_access"))).ShouldBeRefused(400, "invalid_scope");

        // Who the user is, is for whoever asks.
        var claims = (await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken, more: Asking("openid read:calendar"))).ShouldBeExchanged();
        ((string?)claims["scope"], claims["aud"]!.AsArray().Count).ShouldBe(("openid read:calendar", 2));
    }

    [Fact]
    public async Task The_switch_of_Auth0_lets_an_API_in_without_the_grant_type_and_for_this_kind_only()
    {
        var admin = await scene.AdminAsync();
        var api = $"https://switched.example/{Identifier.Secret()}";
        var client = await scene.NewApiAsync(api);
        var path = "clients/" + client.Credentials.ClientId;
        var user = await scene.NewUserAsync();
        var token = (await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken, api))["access_token"]!;
        (await admin.PatchAsync(path, JsonNode.Parse("""{"grant_types":[]}""")!)).Status.ShouldBe(200);
        (await DelegationScene.ExchangeAsync(client, token)).ShouldBeRefused(403, "unauthorized_client");
        (await admin.PatchAsync(path, JsonNode.Parse("""{"token_exchange":{"allow_any_profile_of_type":["custom_authentication"]}}""")!)).Status.ShouldBe(200);
        (await DelegationScene.ExchangeAsync(client, token)).ShouldBeRefused(403, "unauthorized_client");
        var changed = await admin.PatchAsync(path, JsonNode.Parse("""{"token_exchange":{"allow_any_profile_of_type":["on_behalf_of_token_exchange"]}}""")!);
        changed.Json["token_exchange"]!.ToJsonString().ShouldBe("""{"allow_any_profile_of_type":["on_behalf_of_token_exchange"],"allow_impersonation":false}""");
        (await DelegationScene.ExchangeAsync(client, token)).ShouldBeExchanged();
    }

    [Fact]
    public async Task The_token_never_outlives_the_one_that_it_comes_from()
    {
        var user = await scene.NewUserAsync();
        var end = (long)Answers.Claims(user.AccessToken)["exp"]!;
        var first = (await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken)).ShouldBeExchanged();
        ((long)first["exp"]!).ShouldBeLessThanOrEqualTo(end);
        var shorter = scene.Resign(user.AccessToken, claims => claims["exp"] = DelegationScene.Now(scene.Clock) + 90);
        var answer = await DelegationScene.ExchangeAsync(scene.ApiClient, shorter);
        ((long)answer.ShouldBeExchanged()["exp"]!).ShouldBeLessThanOrEqualTo(DelegationScene.Now(scene.Clock) + 90);
        ((long)answer.Json["expires_in"]!).ShouldBeInRange(1, 90);
    }

    [Fact]
    public async Task The_new_token_is_good_where_it_is_for_and_at_the_vault_for_that_APIs_client()
    {
        var user = await scene.ConnectedUserAsync();
        await scene.AddConnectionAsync("delegated", more: scene.EventsClient.Credentials);
        await user.ConnectAsync("delegated");
        var token = (await DelegationScene.ExchangeAsync(scene.ApiClient, user.AccessToken))["access_token"]!;
        (await scene.EventsClient.ExchangeAsync(token, Wire.AccessTokenType, "delegated")).ShouldBeGranted();
        (await scene.ApiClient.ExchangeAsync(token, Wire.AccessTokenType, VaultScene.Calendar)).ShouldBeRefused(401, "invalid_grant");
        (await scene.Vault.Api.SendAsync(HttpMethod.Get, VaultScene.Accounts, token)).Status.ShouldBe(401);
    }

    [Fact]
    public async Task A_form_will_do_as_well_and_so_will_a_resource_instead_of_an_audience()
    {
        var user = await scene.NewUserAsync();
        var answer = await scene.Vault.Api.FormAsync("oauth/token", new Dictionary<string, string>
        {
            ["grant_type"] = Wire.TokenExchange,
            ["client_id"] = scene.ApiClient.Credentials.ClientId,
            ["client_secret"] = scene.ApiClient.Credentials.ClientSecret,
            ["subject_token"] = user.AccessToken,
            ["subject_token_type"] = Wire.JwtType,
            ["requested_token_type"] = Wire.JwtType,
            ["resource"] = DelegationScene.Events,
        });
        ((string?)answer.ShouldBeExchanged(Wire.JwtType)["aud"]).ShouldBe(DelegationScene.Events);
    }

    [Fact]
    public async Task Discovery_lists_the_grant() =>
        (await scene.Vault.Api.SendAsync(HttpMethod.Get, ".well-known/openid-configuration")).Json["grant_types_supported"]!.AsArray()
            .Select(type => (string?)type).ShouldContain(Wire.TokenExchange);

    private static JsonObject Asking(string scope) => new() { ["scope"] = scope };
}
