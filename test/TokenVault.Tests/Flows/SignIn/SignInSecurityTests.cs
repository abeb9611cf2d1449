using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>The way through the provider and back, and who might meddle with it.</summary>
public sealed class SignInSecurityTests(VaultScene scene) : IClassFixture<VaultScene>
{
    private string Callbacks => scene.Vault.Issuer + "login/callback/";

    [Fact]
    public async Task T_CF_05_A_callback_counts_once_and_only_in_the_browser_that_began()
    {
        var connection = await scene.NewConnectionAsync();
        using var attacker = scene.Vault.NewBrowser();
        using var victim = scene.Vault.NewBrowser();
        var callback = await CallbackAsync(attacker, connection);

        // Login CSRF: the victim would be signed in as the attacker.
        (await victim.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        (await scene.AuthorizeAsync(victim, connection, ("prompt", "none"))).Visit.ShouldEndWith("login_required");

        (await attacker.GoAsync(callback, Operator.Callback)).Url.ShouldStartWith(Operator.Callback + "?code=");
        var redeemed = scene.Provider.Redemption.Calls;
        (await attacker.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        scene.Provider.Redemption.Calls.ShouldBe(redeemed);
    }

    [Fact]
    public async Task T_CF_05_Of_two_callbacks_at_once_one_is_redeemed()
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        var callback = await CallbackAsync(browser, connection);
        var redeemed = scene.Provider.Redemption.Calls;

        var visits = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => browser.GoAsync(callback, Operator.Callback)));

        visits.Count(visit => visit.Url.StartsWith(Operator.Callback, StringComparison.Ordinal)).ShouldBe(1);
        visits.Count(visit => visit.Status == 400).ShouldBe(5);
        scene.Provider.Redemption.Calls.ShouldBe(redeemed + 1);
    }

    [Fact]
    public async Task T_CF_05_A_state_ends_with_its_quarter_of_an_hour_and_a_made_up_one_is_none()
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        var callback = await CallbackAsync(browser, connection);
        scene.Clock.Advance(TimeSpan.FromMinutes(15));

        (await browser.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        foreach (var query in (string[])["", "?code=x", "?code=x&state=made-up", "?state=a&state=b&code=x", "?state=" + new string('s', 5000)])
        {
            (await browser.GoAsync(Callbacks + connection + query, Operator.Callback)).Status.ShouldBe(400);
        }
    }

    [Fact]
    public async Task T_CF_06_The_answer_of_one_connection_is_not_taken_for_anothers()
    {
        var honest = await scene.NewConnectionAsync();
        var attackers = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        var callback = await CallbackAsync(browser, attackers);
        var redeemed = scene.Provider.Redemption.Calls;

        (await browser.GoAsync(callback.Replace(attackers, honest, StringComparison.Ordinal), Operator.Callback)).Status.ShouldBe(400);

        scene.Provider.Redemption.Calls.ShouldBe(redeemed);
    }

    [Fact]
    public async Task T_CF_06_A_code_of_another_issuer_is_not_redeemed()
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        var callback = await CallbackAsync(browser, connection);
        var redeemed = scene.Provider.Redemption.Calls;
        var other = System.Text.RegularExpressions.Regex.Replace(callback, "iss=[^&]*", "iss=https%3A%2F%2Fattacker.example");

        (await browser.GoAsync(other, Operator.Callback)).ShouldEndWith("server_error");

        scene.Provider.Redemption.Calls.ShouldBe(redeemed);
    }

    [Fact]
    public async Task State_nonce_and_challenge_are_new_each_time_and_nothing_secret_is_stored()
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        var seen = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var query = PendingConnect.Query((await scene.DepartAsync(browser, connection)).Url);
            query["code_challenge_method"].ShouldBe("S256");
            query["redirect_uri"].ShouldBe(Callbacks + connection);
            seen.AddRange([query["state"], query["nonce"], query["code_challenge"]]);
        }

        seen.Distinct(StringComparer.Ordinal).Count().ShouldBe(9);
        foreach (var row in await scene.Storage.ListRowsAsync(SignInRequest.Kind, index: null, CancellationToken.None))
        {
            var body = System.Text.Encoding.UTF8.GetString(row.Body);
            seen.ShouldAllBe(secret => !body.Contains(secret, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task What_the_application_asks_of_the_sign_in_reaches_the_provider_and_what_is_ours_does_not()
    {
        var connection = await scene.NewConnectionAsync(options: options => options["upstream_params"] = new JsonObject
        {
            ["hd"] = new JsonObject { ["value"] = "example.com" },
            ["hint"] = new JsonObject { ["alias"] = "login_hint" },
        });
        using var browser = scene.Vault.NewBrowser();

        var visit = await scene.DepartAsync(
            browser, connection, ("prompt", "login"), ("login_hint", "grace"), ("max_age", "600"), ("ui_locales", "de"), ("acr_values", "mfa"),
            ("audience", VaultScene.Api), ("access_type", "online"), ("screen_hint", "signup"), ("auth0Client", "e30"));

        var query = PendingConnect.Query(visit.Url);
        query["prompt"].ShouldBe("login");
        query["login_hint"].ShouldBe("grace");
        query["hint"].ShouldBe("grace");
        query["hd"].ShouldBe("example.com");
        query["max_age"].ShouldBe("600");
        query["ui_locales"].ShouldBe("de");
        query["acr_values"].ShouldBe("mfa");
        query.Keys.ShouldNotContain("audience");
        query.Keys.ShouldNotContain("access_type");
        query.Keys.ShouldNotContain("screen_hint");
        query["client_id"].ShouldBe(scene.Provider.ClientId);
        query["scope"].Split(' ').ShouldBe(VaultScene.CalendarScopes, ignoreOrder: true);
    }

    [Fact]
    public async Task A_sign_in_at_the_provider_that_is_older_than_max_age_does_not_count()
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        var now = scene.Clock.GetUtcNow().ToUnixTimeSeconds();
        scene.Provider.Redemption.Next(Fault.IdTokenClaim("auth_time", now - 900), Fault.IdTokenClaim("auth_time", now - 300));

        (await scene.AuthorizeAsync(browser, connection, ("max_age", "600"))).Visit.ShouldEndWith("login_required");
        (await scene.AuthorizeAsync(browser, connection, ("max_age", "600"))).Visit["code"].ShouldNotBeNull();
    }

    [Fact]
    public async Task Prompt_login_asks_the_provider_again_and_once()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection);
        var asked = scene.Provider.Authorization.Calls;

        (await scene.AuthorizeAsync(user.Browser, connection, ("prompt", "login"))).Visit["code"].ShouldNotBeNull();
        (await scene.AuthorizeAsync(user.Browser, connection, ("prompt", "select_account"))).Visit["code"].ShouldNotBeNull();

        scene.Provider.Authorization.Calls.ShouldBe(asked + 2);
    }

    [Theory]
    [InlineData("calendar.write,contacts.read")]
    [InlineData("calendar.write contacts.read")]
    public async Task Connection_scope_is_added_to_the_connections_own(string asked)
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection, more: ("connection_scope", asked));

        var account = (await user.AccountsAsync()).ShouldHaveSingleItem();

        account["scopes"]!.AsArray().Select(scope => (string)scope!)
            .ShouldBe([.. VaultScene.CalendarScopes, "calendar.write", "contacts.read"], ignoreOrder: true);

        // Silent renewal repeats it, and finds the session.
        (await scene.AuthorizeAsync(user.Browser, connection, ("connection_scope", asked), ("prompt", "none"))).Visit["code"].ShouldNotBeNull();
    }

    [Fact]
    public async Task T_CF_10_Only_what_the_connection_allows_may_be_asked_for()
    {
        var connection = await scene.NewConnectionAsync(options: options => options["allowed_scopes"] = new JsonArray("calendar.write"));
        using var browser = scene.Vault.NewBrowser();

        (await scene.AuthorizeAsync(browser, connection, ("connection_scope", "mail.read"))).Visit.ShouldEndWith("invalid_scope");
        (await scene.AuthorizeAsync(browser, connection, ("connection_scope", "calendar.write,calendar.read"))).Visit["code"].ShouldNotBeNull();

        var user = await scene.NewUserAsync();
        var refused = await user.MyAsync(HttpMethod.Post, VaultScene.Connect, await user.MyTokenAsync(), new JsonObject
        {
            ["connection"] = connection,
            ["redirect_uri"] = Operator.Callback,
            ["scopes"] = new JsonArray("calendar.write", "mail.read"),
        });
        VaultScene.Problem(refused, 400)["validation_errors"]![0]!["field"]!.GetValue<string>().ShouldBe("scopes");
        var further = await user.MyAsync(HttpMethod.Post, VaultScene.Connect, await user.MyTokenAsync(), new JsonObject
        {
            ["connection"] = connection,
            ["redirect_uri"] = Operator.Callback,
            ["authorization_params"] = new JsonObject { ["connection_scope"] = "calendar.write,mail.read" },
        });
        VaultScene.Problem(further, 400);
        await user.BeginAsync(new() { ["connection"] = connection, ["scopes"] = new JsonArray("calendar.write", "calendar.read") });
    }

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\"b")]
    [InlineData("a\\b")]
    [InlineData("a\u00e9b")]
    [InlineData("a\tb")]
    public async Task T_CF_10_What_is_no_scope_token_is_refused(string scope)
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();

        (await scene.AuthorizeAsync(browser, connection, ("connection_scope", scope))).Visit.ShouldEndWith("invalid_scope");
        (await scene.AuthorizeAsync(browser, connection, ("connection_scope", new string('s', 256)))).Visit.ShouldEndWith("invalid_scope");
    }

    [Theory]
    [InlineData("access_denied", "access_denied")]
    [InlineData("login_required", "login_required")]
    [InlineData("invalid_scope", "server_error")]
    [InlineData("made_up", "server_error")]
    public async Task T_CF_11_A_providers_refusal_ends_at_the_application(string code, string expected)
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        scene.Provider.Authorization.Next(Fault.Denied(code + "&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E"));

        var (visit, _) = await scene.AuthorizeAsync(browser, connection);

        visit.ShouldEndWith(expected);
        visit.Url.ShouldNotContain("alert");
    }

    [Theory]
    [InlineData("https://attacker.example")]
    [InlineData("")]
    public async Task T_CF_06_An_error_of_another_issuer_or_of_none_is_not_taken_for_the_providers(string iss)
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        scene.Provider.Authorization.Next(Fault.Denied("access_denied", iss));

        (await scene.AuthorizeAsync(browser, connection)).Visit.ShouldEndWith("server_error");
    }

    [Fact]
    public async Task A_provider_that_is_away_is_told_as_that()
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        scene.Provider.Redemption.Next(Fault.Status(503));

        (await scene.AuthorizeAsync(browser, connection)).Visit.ShouldEndWith("temporarily_unavailable");
    }

    [Fact]
    public async Task Where_no_answer_can_go_to_the_application_a_page_says_so()
    {
        var connection = await scene.NewConnectionAsync();
        using var browser = scene.Vault.NewBrowser();
        var callback = await CallbackAsync(browser, connection);
        var admin = await scene.AdminAsync();
        var row = (await scene.Storage.ListAllAsync<Server.Connections.Connection>(index: null, CancellationToken.None)).Single(c => c.Name == connection);
        (await admin.DeleteAsync("connections/" + row.Id)).Status.ShouldBe(204);

        (await browser.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
    }

    /// <summary>The provider's redirect back, not followed yet.</summary>
    private async Task<string> CallbackAsync(Browser browser, string connection) =>
        (await FakeProvider.VisitAsync((await scene.DepartAsync(browser, connection)).Url)).AbsoluteUri;
}
