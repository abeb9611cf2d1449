using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>Several accounts of one user at one provider, and what becomes of their scopes when the user consents again.</summary>
public sealed class IncrementalConsentTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task A_further_scope_is_asked_for_together_with_those_granted_already()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        var account = await ConnectAsync(user, connection, ["openid", "calendar.read"]);
        Granted(account).ShouldBe(["openid", "calendar.read", "offline_access"], ignoreOrder: true);

        (await AskedAsync(user, connection, ["contacts.read"])).ShouldBe(["openid", "calendar.read", "offline_access", "contacts.read"], ignoreOrder: true);
        var wider = await ConnectAsync(user, connection, ["contacts.read"]);

        ((string?)wider["id"]).ShouldBe((string?)account["id"]);
        Granted(wider).ShouldBe(["openid", "calendar.read", "offline_access", "contacts.read"], ignoreOrder: true);
        (await user.ExchangeAsync(connection, new() { ["scope"] = "calendar.read contacts.read" })).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Another_account_is_not_asked_for_what_the_first_one_granted()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        await ConnectAsync(user, connection, ["openid", "calendar.read"]);
        var grace = await ConnectAsync(user, connection, ["openid", "mail.read"], "grace");

        Granted(grace).ShouldBe(["openid", "mail.read", "offline_access"], ignoreOrder: true);
        (await AskedAsync(user, connection, ["openid", "files.read"], "grace")).ShouldBe(["openid", "mail.read", "offline_access", "files.read"], ignoreOrder: true);
        (await AskedAsync(user, connection, ["openid", "files.read"], "ada@sandbox.example"))
            .ShouldBe(["openid", "calendar.read", "offline_access", "files.read"], ignoreOrder: true);

        // Nobody knows which account the user will choose.
        (await AskedAsync(user, connection, ["openid", "files.read"])).ShouldBe(["openid", "files.read", "offline_access"], ignoreOrder: true);
    }

    [Fact]
    public async Task T_CF_10_What_the_connection_does_not_allow_any_more_is_not_asked_for_again()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        await ConnectAsync(user, connection, ["openid", "calendar.write", "mail.read"]);
        var row = (await (await scene.AdminAsync()).GetAsync("connections?name=" + connection)).Json[0]!;
        var options = (JsonObject)row["options"]!.DeepClone();
        options["allowed_scopes"] = new JsonArray("calendar.write");
        (await (await scene.AdminAsync()).PatchAsync($"connections/{row["id"]}", new JsonObject { ["options"] = options })).Status.ShouldBe(200);

        var asked = await AskedAsync(user, connection, ["openid", "calendar.read"]);

        asked.ShouldContain("calendar.write");
        asked.ShouldNotContain("mail.read");
    }

    [Fact]
    public async Task T_CF_07_Accounts_are_chosen_by_login_hint_and_none_overwrites_another()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection);
        var first = (await user.AccountsAsync()).ShouldHaveSingleItem();
        await ConnectGraceAsync(user, connection);
        (await user.AccountsAsync()).Count.ShouldBe(2);

        foreach (var (hint, subject) in new[] { ("ada", "ada"), ("grace", "grace"), ("grace@sandbox.example", "grace"), ((string)first["id"]!, "ada") })
        {
            var answer = await user.ExchangeAsync(connection, new() { ["login_hint"] = hint });
            scene.Provider.UserOf(answer["access_token"]!).ShouldBe(subject, answer.Text);
        }

        // Signing in with the one does not make it the one that is meant; reconnecting updates it in place.
        await scene.SignInAsync(connection, browser: user.Browser, more: ("prompt", "login"));
        scene.Provider.UserOf((await user.ExchangeAsync(connection))["access_token"]!).ShouldBe("grace");
        (await user.AccountsAsync()).Select(account => (string?)account["id"]).ShouldContain((string?)first["id"]);
        (await user.AccountsAsync()).Count.ShouldBe(2);
    }

    [Fact]
    public async Task T_CF_07_An_account_whose_address_is_anothers_id_is_not_taken_for_that_one()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection);
        scene.Provider.Redemption.Next(Fault.IdTokenClaim("email", "ada"));
        await ConnectGraceAsync(user, connection);

        var answer = await user.ExchangeAsync(connection, new() { ["login_hint"] = "ada" });

        scene.Provider.UserOf(answer["access_token"]!).ShouldBe("ada", answer.Text);
    }

    [Fact]
    public async Task A_consent_that_covers_less_does_not_take_the_place_of_one_that_covers_more()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        await ConnectAsync(user, connection, ["openid", "calendar.read", "mail.read"]);
        var former = scene.Provider.Commits[^1];
        scene.Provider.Redemption.Next(Fault.Scopes("openid", "calendar.read"));

        var account = await ConnectAsync(user, connection, ["openid", "calendar.read"]);

        Granted(account).ShouldContain("mail.read");
        (await user.ExchangeAsync(connection, new() { ["scope"] = "mail.read" }))["access_token"].ShouldBe(former.AccessToken);

        // The user had withdrawn the former consent at the provider: the newer one is in its place at the next refresh.
        scene.Provider.Sandbox.Engine.Revoke(former.RefreshToken!);
        scene.EndAccessTokens();
        await VaultScene.UntilAsync(async () => (await user.ExchangeAsync(connection)).Status == 200);
        (await RowAsync(user.Id)).State.ShouldBe(TokensetState.Active);
    }

    [Fact]
    public async Task A_consent_that_brings_something_new_is_taken_and_what_is_lost_is_on_record()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        await ConnectAsync(user, connection, ["openid", "calendar.read", "mail.read"]);
        scene.Provider.Redemption.Next(Fault.Scopes("openid", "offline_access", "calendar.read", "files.read"));

        var account = await ConnectAsync(user, connection, ["files.read"]);

        Granted(account).ShouldBe(["openid", "offline_access", "calendar.read", "files.read"], ignoreOrder: true);
        var missing = await user.ExchangeAsync(connection, new() { ["scope"] = "mail.read" });
        missing["reason"].ShouldBe("insufficient_scope");
        var events = await scene.AuditAsync("connected_accounts_connection_succeeded", user.Id);
        events[0]["details"]!["lost_scopes"].ShouldBeNull();
        events[1]["details"]!["lost_scopes"]!.ToJsonString().ShouldBe("""["mail.read"]""");
    }

    [Fact]
    public async Task Signing_in_again_does_not_shrink_what_the_account_may_do()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection, more: ("connection_scope", "mail.read"));

        // As an application does that asks for scopes with each sign-in, and now for none.
        await scene.SignInAsync(connection);

        scene.EndAccessTokens();
        var answer = await user.ExchangeAsync(connection, new() { ["scope"] = "mail.read" });
        answer.Status.ShouldBe(200, answer.Text);
        (await scene.Storage.ListAllAsync<RefreshSpare>(EntityKey.Index("user", user.Id), CancellationToken.None)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_dead_grant_is_replaced_whatever_it_covered()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        await ConnectAsync(user, connection, ["openid", "calendar.read", "mail.read"]);
        scene.Provider.Sandbox.Engine.Revoke(scene.Provider.Commits[^1].RefreshToken!);
        scene.EndAccessTokens();
        (await user.ExchangeAsync(connection))["reason"].ShouldBe("reauthorization_required");
        scene.Provider.Redemption.Next(Fault.Scopes("openid", "calendar.read"));

        Granted(await ConnectAsync(user, connection, ["openid", "calendar.read"])).ShouldBe(["openid", "calendar.read"], ignoreOrder: true);

        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Many_sign_ins_do_not_fill_the_store()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection);
        for (var i = 0; i < 25; i++)
        {
            await scene.SignInAsync(connection);
        }

        (await scene.Storage.ListAllAsync<RefreshSpare>(EntityKey.Index("user", user.Id), CancellationToken.None)).Count.ShouldBe(20);
        scene.EndAccessTokens();
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);
    }

    private static async Task<JsonNode> ConnectAsync(TestUser user, string connection, string[] scopes, string? person = null)
    {
        var begun = await user.BeginAsync(Body(connection, scopes, person));
        var visit = await user.Browser.GoAsync(begun.Link, Operator.Callback);
        visit["connect_code"].ShouldNotBeNull(visit.Url);
        var answer = await user.Application.CompleteAsync(begun.Token, begun.CompleteBody(visit["connect_code"]));
        answer.Status.ShouldBe(201, answer.Text);
        return answer.Json;
    }

    /// <summary>The scopes that the browser is sent to the provider with.</summary>
    private async Task<string[]> AskedAsync(TestUser user, string connection, string[] scopes, string? person = null)
    {
        var begun = await user.BeginAsync(Body(connection, scopes, person));
        var visit = await user.Browser.GoAsync(begun.Link, scene.Provider.Sandbox.AuthorizationUrl);
        return PendingConnect.Query(visit.Url)["scope"].Split(' ');
    }

    private static JsonObject Body(string connection, string[] scopes, string? person)
    {
        var body = new JsonObject { ["connection"] = connection, ["scopes"] = new JsonArray([.. scopes.Select(scope => JsonValue.Create(scope))]) };
        if (person is not null)
        {
            body["authorization_params"] = new JsonObject { ["login_hint"] = person };
        }

        return body;
    }

    private async Task ConnectGraceAsync(SignedInUser user, string connection)
    {
        var token = await user.MyTokenAsync();
        scene.Clock.Advance(TimeSpan.FromSeconds(1));
        var more = new JsonObject { ["authorization_params"] = new JsonObject { ["login_hint"] = "grace" } };
        var (visit, complete) = await scene.App.ConnectAsync(user.Browser, token, connection, more);
        visit["connect_code"].ShouldNotBeNull(visit.Url);
        (await scene.App.CompleteAsync(token, complete)).Status.ShouldBe(201);
    }

    private async Task<Tokenset> RowAsync(string userId) =>
        (await scene.Storage.ListAllAsync<Tokenset>(EntityKey.Index("user", userId), CancellationToken.None)).ShouldHaveSingleItem();

    private static string[] Granted(JsonNode account) => [.. account["scopes"]!.AsArray().Select(scope => (string)scope!)];
}
