using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

public sealed class ConnectedAccountsTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task Connecting_answers_what_the_contract_says_at_every_step()
    {
        var user = await scene.NewUserAsync();
        var begun = await user.BeginAsync();

        Members(begun.Answer.Json).ShouldBe(["auth_session", "connect_params", "connect_uri", "expires_in"]);
        begun.Answer["connect_uri"].ShouldBe(scene.Vault.Issuer + "connected-accounts/connect");
        begun.AuthSession.Length.ShouldBeLessThanOrEqualTo(64);
        begun.Answer.Json["expires_in"]!.GetValue<int>().ShouldBe(300);
        Members(begun.Answer.Json["connect_params"]!).ShouldBe(["ticket"]);
        begun.Answer.ContentHeaders.ContentType!.ToString().ShouldBe("application/json");
        begun.Answer.Headers.CacheControl!.NoStore.ShouldBeTrue();

        var visit = await user.Browser.GoAsync(begun.Link, Operator.Callback);
        var query = PendingConnect.Query(visit.Url);
        query.Keys.Order(StringComparer.Ordinal).ShouldBe(["connect_code", "state"]);
        query["state"].ShouldBe("application-state");
        query["connect_code"].Length.ShouldBeLessThanOrEqualTo(46);
        new Uri(visit.Url).Fragment.ShouldBeEmpty();

        var completed = await scene.App.CompleteAsync(begun.Token, begun.CompleteBody(query["connect_code"]));
        completed.Status.ShouldBe(201);
        Members(completed.Json).ShouldBe(["access_type", "connection", "created_at", "id", "scopes"]);
        completed["id"]!.ShouldMatch("^cac_[A-Za-z0-9]{22}$");
        completed["access_type"].ShouldBe("offline");
        completed["connection"].ShouldBe(VaultScene.Calendar);
        completed["created_at"]!.ShouldMatch(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$");

        var accounts = await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, begun.Token);
        accounts.Status.ShouldBe(200);
        Members(accounts.Json).ShouldBe(["accounts"]);
        accounts.Json["accounts"]!.AsArray().ShouldHaveSingleItem()!.ToJsonString().ShouldBe(completed.Json.ToJsonString());

        var deleted = await user.MyAsync(HttpMethod.Delete, VaultScene.Accounts + "/" + completed["id"], begun.Token);
        deleted.Status.ShouldBe(204);
        deleted.Text.ShouldBeEmpty();
        (await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, begun.Token)).Json["accounts"]!.AsArray().ShouldBeEmpty();
        (await user.MyAsync(HttpMethod.Delete, VaultScene.Accounts + "/" + completed["id"], begun.Token)).Status.ShouldBe(404);
        (await user.ExchangeAsync())["reason"].ShouldBe("not_connected");

        // The log has each of these, and the second deletion as one that failed.
        foreach (var (type, method, path) in ((string, string, string)[])
            [
                ("connected_accounts_connection_succeeded", "post", "/me/v1/connected-accounts/complete"),
                ("connected_accounts_delete_succeeded", "delete", "/me/v1/connected-accounts/accounts/{id}"),
                ("connected_accounts_delete_failed", "delete", "/me/v1/connected-accounts/accounts/{id}"),
            ])
        {
            var details = (await scene.AuditAsync(type, user.Id)).ShouldHaveSingleItem()["details"]!;
            ((string?)details["connected_account"]!["id"]).ShouldBe(completed["id"], type);
            ((string?)details["request"]!["method"], (string?)details["request"]!["path"]).ShouldBe((method, path));
        }

        var failed = (await scene.AuditAsync("connected_accounts_delete_failed", user.Id)).Single()["details"]!["error"]!;
        ((int)failed["status"]!, (string?)failed["title"], (string?)failed["type"]).ShouldBe((404, "Not Found", "https://auth0.com/api-errors"));
    }

    [Fact]
    public async Task Connections_lists_what_the_client_may_connect_and_nothing_else()
    {
        var user = await scene.NewUserAsync();
        var admin = await scene.AdminAsync();
        await admin.CreateConnectionAsync("not-for-this-client", "oidc", scene.Provider.OidcOptions(), scene.ApiClient.Credentials);
        var token = await user.MyTokenAsync();

        var answer = await user.MyAsync(HttpMethod.Get, "me/v1/connected-accounts/connections", token);

        answer.Status.ShouldBe(200);
        var calendar = answer.Json["connections"]!.AsArray().Single(c => (string?)c!["name"] == VaultScene.Calendar)!;
        calendar["strategy"]!.GetValue<string>().ShouldBe("oidc");
        Texts(calendar["scopes"]!).ShouldBe(VaultScene.CalendarScopes, ignoreOrder: true);
        answer.Text.ShouldNotContain("not-for-this-client");
        answer.Text.ShouldNotContain("Username-Password-Authentication");
        answer.Text.ShouldNotContain(scene.Provider.ClientSecret);
    }

    [Theory]
    [InlineData("from")]
    [InlineData("next")]
    public async Task Accounts_and_connections_are_paged_by_either_name_of_the_cursor(string parameter)
    {
        var user = await scene.NewUserAsync();
        for (var i = 0; i < 3; i++)
        {
            await scene.AddConnectionAsync($"paged-{parameter}-{i}");
            await user.ConnectAsync($"paged-{parameter}-{i}");
        }

        var token = await user.MyTokenAsync();
        (string, string)[] lists = [(VaultScene.Accounts, "accounts"), ("me/v1/connected-accounts/connections", "connections")];
        foreach (var (path, collection) in lists)
        {
            var whole = await user.MyAsync(HttpMethod.Get, path + "?take=20", token);
            whole["next"].ShouldBeNull();
            var expected = whole.Json[collection]!.AsArray().Select(item => item!.ToJsonString()).ToList();
            expected.Count.ShouldBeGreaterThanOrEqualTo(3);

            var seen = new List<string>();
            var cursor = "";
            do
            {
                var page = await user.MyAsync(HttpMethod.Get, $"{path}?take=2{cursor}", token);
                page.Status.ShouldBe(200, page.Text);
                page.Json[collection]!.AsArray().Count.ShouldBeInRange(1, 2);
                seen.AddRange(page.Json[collection]!.AsArray().Select(item => item!.ToJsonString()));
                cursor = page["next"] is { } next ? $"&{parameter}={Uri.EscapeDataString(next)}" : "";
            }
            while (cursor.Length > 0);

            seen.ShouldBe(expected);
        }
    }

    [Fact]
    public async Task Accounts_can_be_filtered_by_several_connections()
    {
        var user = await scene.NewUserAsync();
        foreach (var name in (string[])["filter-a", "filter-b", "filter-c"])
        {
            await scene.AddConnectionAsync(name);
            await user.ConnectAsync(name);
        }

        var answer = await user.MyAsync(HttpMethod.Get, VaultScene.Accounts + "?connection=filter-a&connection=filter-c", await user.MyTokenAsync());

        answer.Json["accounts"]!.AsArray().Select(a => (string?)a!["connection"]).ShouldBe(["filter-a", "filter-c"], ignoreOrder: true);
    }

    [Fact]
    public async Task T_MG_08_A_cursor_works_for_the_list_it_was_made_for_only()
    {
        var user = await scene.NewUserAsync();
        await user.ConnectAsync(person: "ada");
        await user.ConnectAsync(person: "grace");
        var token = await user.MyTokenAsync();
        var cursor = (await user.MyAsync(HttpMethod.Get, VaultScene.Accounts + "?take=1", token))["next"]!;
        var other = await scene.NewUserAsync();

        (await user.MyAsync(HttpMethod.Get, $"{VaultScene.Accounts}?from={cursor}", token)).Status.ShouldBe(200);
        string[] refused =
        [
            $"{VaultScene.Accounts}?from={cursor}&connection=calendar", $"me/v1/connected-accounts/connections?from={cursor}",
            $"{VaultScene.Accounts}?from={cursor}A", $"{VaultScene.Accounts}?from={cursor[..^1]}", $"{VaultScene.Accounts}?from=%00",
            $"{VaultScene.Accounts}?from={(cursor[0] == 'A' ? 'B' : 'A')}{cursor[1..]}", $"{VaultScene.Accounts}?next=1",
        ];
        foreach (var path in refused)
        {
            var answer = await user.MyAsync(HttpMethod.Get, path, token);
            answer.Status.ShouldBe(400, path);
            VaultScene.Problem(answer, 400)["validation_errors"]![0]!["field"]!.GetValue<string>().ShouldBe("from");
        }

        (await other.MyAsync(HttpMethod.Get, $"{VaultScene.Accounts}?from={cursor}", await other.MyTokenAsync())).Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("21")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("ten")]
    [InlineData("")]
    [InlineData("99999999999999999999")]
    [InlineData("%D9%A3")]
    public async Task Take_outside_its_bounds_is_refused(string take)
    {
        var user = await scene.NewUserAsync();

        var answer = await user.MyAsync(HttpMethod.Get, $"{VaultScene.Accounts}?take={take}", await user.MyTokenAsync());

        VaultScene.Problem(answer, 400)["validation_errors"]![0]!["field"]!.GetValue<string>().ShouldBe("take");
    }

    [Fact]
    public async Task Scopes_of_the_request_replace_the_connections_and_offline_access_stays()
    {
        var user = await scene.NewUserAsync();
        var begun = await user.BeginAsync(new JsonObject { ["scopes"] = new JsonArray("calendar.write", "contacts") });

        var visit = await user.Browser.GoAsync(begun.Link, scene.Provider.Issuer);

        PendingConnect.Query(visit.Url)["scope"].Split(' ').ShouldBe(["openid", "offline_access", "calendar.write", "contacts"], ignoreOrder: true);
    }

    [Fact]
    public async Task Extras_in_authorization_params_are_ignored_and_known_ones_reach_the_provider()
    {
        var user = await scene.NewUserAsync();
        var parameters = new JsonObject
        {
            ["login_hint"] = "grace",
            ["prompt"] = "consent",
            ["returnTo"] = "/anything",
            ["redirect_uri"] = "https://evil.example/",
            ["state"] = "mine",
            ["scope"] = "everything",
            ["nested"] = new JsonObject { ["a"] = 1 },
        };
        var begun = await user.BeginAsync(new JsonObject { ["authorization_params"] = parameters, ["unknown_member"] = 1 });

        var query = PendingConnect.Query((await user.Browser.GoAsync(begun.Link, scene.Provider.Issuer)).Url);

        query["login_hint"].ShouldBe("grace");
        query["prompt"].ShouldBe("consent");
        query.ShouldNotContainKey("returnTo");
        query.ShouldNotContainKey("nested");
        query["redirect_uri"].ShouldBe($"{scene.Vault.Issuer}login/callback/{VaultScene.Calendar}");
        query["state"].ShouldNotBe("mine");
        query["code_challenge_method"].ShouldBe("S256");
        (await user.BeginAsync(new JsonObject { ["authorization_params"] = new JsonObject() })).Answer.Status.ShouldBe(201);
    }

    [Fact]
    public async Task T_CF_07_The_same_account_is_updated_and_another_one_is_a_second()
    {
        var user = await scene.NewUserAsync();
        var first = await user.ConnectAsync(person: "ada");
        var again = await user.ConnectAsync(person: "ada");
        var second = await user.ConnectAsync(person: "grace");

        ((string?)again["id"]).ShouldBe((string?)first["id"]);
        ((string?)again["created_at"]).ShouldBe((string?)first["created_at"]);
        ((string?)second["id"]).ShouldNotBe((string?)first["id"]);
        var list = await user.MyAsync(HttpMethod.Get, VaultScene.Accounts, await user.MyTokenAsync());
        list.Json["accounts"]!.AsArray().Count.ShouldBe(2);
        scene.Provider.UserOf((await user.ExchangeAsync(more: new JsonObject { ["login_hint"] = "ada" }))["access_token"]!).ShouldBe("ada");
        scene.Provider.UserOf((await user.ExchangeAsync(more: new JsonObject { ["login_hint"] = "grace" }))["access_token"]!).ShouldBe("grace");
    }

    [Fact]
    public async Task A_repeated_consent_without_a_refresh_token_keeps_the_one_from_before()
    {
        var user = await scene.ConnectedUserAsync();
        var held = scene.Provider.Commits[^1].RefreshToken;
        scene.Provider.Redemption.Next(Fault.NoRefreshToken());

        await user.ConnectAsync();
        scene.EndAccessTokens();

        (await user.ExchangeAsync()).Status.ShouldBe(200);
        scene.Provider.LastRefreshTokenSent.ShouldBe(held);
    }

    [Fact]
    public async Task An_account_without_any_refresh_token_serves_until_its_access_token_ends()
    {
        var user = await scene.NewUserAsync();
        scene.Provider.Redemption.Next(Fault.NoRefreshToken());
        await user.ConnectAsync();

        (await user.ExchangeAsync()).Status.ShouldBe(200);
        scene.EndAccessTokens();
        var calls = scene.Provider.Refresh.Calls;
        var ended = await user.ExchangeAsync();

        (ended.Status, ended["error"], ended["reason"]).ShouldBe((401, "federated_connection_refresh_token_not_found", "reauthorization_required"));
        scene.Provider.Refresh.Calls.ShouldBe(calls);
    }

    [Fact]
    public async Task T_MG_07_Another_users_account_is_not_there()
    {
        var owner = await scene.NewUserAsync();
        var account = await owner.ConnectAsync();
        var other = await scene.NewUserAsync();

        var answer = await other.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", await other.MyTokenAsync());

        VaultScene.Problem(answer, 404);
        (await owner.ExchangeAsync()).Status.ShouldBe(200);
        (await other.MyAsync(HttpMethod.Get, VaultScene.Accounts, await other.MyTokenAsync())).Json["accounts"]!.AsArray().ShouldBeEmpty();
    }

    private static IEnumerable<string> Members(JsonNode json) => json.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Texts(JsonNode array) => array.AsArray().Select(item => item!.GetValue<string>());
}
