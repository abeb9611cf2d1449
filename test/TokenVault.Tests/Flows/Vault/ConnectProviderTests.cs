using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A provider that is hostile, broken or away while an account is being connected.</summary>
public sealed class ConnectProviderTests(VaultScene scene) : IClassFixture<VaultScene>
{
    public static TheoryData<string> NaughtyStrings { get; } =
    [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "' OR 1=1 --",
        "%0d%0aSet-Cookie: a=b", "\r\nLocation: https://evil.example/",
        "\u202Etxt.exe", "\u0000", "Ω≈ç√∫˜µ≤≥÷", "𝕿𝖍𝖊", "ﷺ", "{{7*7}}", "${jndi:ldap://evil}", "../../etc/passwd",
        "access_denied ", "ACCESS_DENIED", "access_denied\u0000", "",
    ];

    [Theory]
    [MemberData(nameof(NaughtyStrings))]
    public async Task T_CF_11_A_providers_error_reaches_nobody_as_it_is(string text)
    {
        var user = await scene.NewUserAsync();
        scene.Provider.Authorization.Next(Fault.Denied(Uri.EscapeDataString(text) + "&error_description=" + Uri.EscapeDataString(text)));

        var visit = await user.Browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback);

        // An empty error is none, and a NUL makes the whole query unreadable: neither is handed on either.
        if (visit.Status == 400)
        {
            text.ShouldContain('\0');
            visit.Html.ShouldNotContain(text);
            return;
        }

        visit["error"].ShouldBe("server_error");
        visit["connect_code"].ShouldBeNull();
        visit["state"].ShouldBe("application-state");
        visit["error_description"].ShouldBeOneOf("The provider did not grant access.", "The provider's answer has no code.");
        visit.Url.ShouldStartWith(Operator.Callback + "?");
    }

    [Theory]
    [InlineData("access_denied")]
    [InlineData("temporarily_unavailable")]
    [InlineData("login_required")]
    public async Task T_CF_11_A_known_error_code_is_handed_on_with_the_applications_state(string code)
    {
        var user = await scene.NewUserAsync();
        scene.Provider.Authorization.Next(Fault.Denied(code));

        var visit = await user.Browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback);

        (visit["error"], visit["state"]).ShouldBe((code, "application-state"));
        var failed = (await scene.AuditAsync("connected_accounts_connection_failed", user.Id)).ShouldHaveSingleItem();
        ((string)failed["description"]!).ShouldContain(code);
    }

    [Theory]
    [InlineData("https://attacker.example")]
    [InlineData("")]
    public async Task T_CF_06_An_error_of_another_issuer_or_of_none_is_not_taken_for_the_providers(string iss)
    {
        var user = await scene.NewUserAsync();
        scene.Provider.Authorization.Next(Fault.Denied("access_denied", iss));

        var visit = await user.Browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback);

        (visit["error"], visit["state"]).ShouldBe(("server_error", "application-state"));
        var failed = (await scene.AuditAsync("connected_accounts_connection_failed", user.Id)).ShouldHaveSingleItem();
        ((string)failed["description"]!).ShouldStartWith("server_error");
    }

    [Fact]
    public async Task T_CF_06_A_callback_on_another_connections_path_redeems_nothing()
    {
        await scene.AddConnectionAsync("honest");
        await using var attacker = await FakeProvider.StartAsync(time: scene.Clock);
        await scene.AddConnectionAsync("malicious", options: attacker.OidcOptions());
        var user = await scene.NewUserAsync();
        var begun = await user.BeginAsync(new JsonObject { ["connection"] = "honest" });
        var callback = (await user.Browser.GoAsync(begun.Link, scene.Vault.Issuer + "login/callback/")).Url;

        var misled = await user.Browser.GoAsync(callback.Replace("/honest", "/malicious", StringComparison.Ordinal), Operator.Callback);

        misled.Status.ShouldBe(400);
        (attacker.Redemption.Calls, attacker.Refresh.Calls).ShouldBe((0, 0));
        (await user.Browser.GoAsync(callback.Replace("/honest", "/HONEST", StringComparison.Ordinal), Operator.Callback)).Status.ShouldBe(400);
        (await user.Browser.GoAsync(callback.Replace("/honest", "/unknown", StringComparison.Ordinal), Operator.Callback)).Status.ShouldBe(400);
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("HTTP://127.0.0.1")]
    [InlineData(null)]
    public async Task T_CF_06_Another_issuer_or_none_where_one_is_promised_redeems_nothing(string? iss)
    {
        var user = await scene.NewUserAsync();
        var callback = (await user.Browser.GoAsync((await user.BeginAsync()).Link, scene.Vault.Issuer + "login/callback/")).Url;
        var query = PendingConnect.Query(callback);
        var redeemed = scene.Provider.Redemption.Calls;

        var changed = $"{new Uri(callback).GetLeftPart(UriPartial.Path)}?code={query["code"]}&state={query["state"]}"
            + (iss is null ? "" : "&iss=" + Uri.EscapeDataString(iss));
        var visit = await user.Browser.GoAsync(changed, Operator.Callback);

        visit["error"].ShouldBe("server_error");
        scene.Provider.Redemption.Calls.ShouldBe(redeemed);
    }

    [Fact]
    public async Task A_provider_whose_metadata_cannot_be_had_is_temporarily_unavailable_and_then_works()
    {
        await using var away = await FakeProvider.StartAsync(time: scene.Clock);
        away.Discovery.Next(Fault.Status(503));
        await scene.AddConnectionAsync("discovered-late", options: away.OidcOptions(VaultScene.CalendarScopes));
        var user = await scene.NewUserAsync();

        var begun = await user.BeginAsync(new JsonObject { ["connection"] = "discovered-late" });
        var visit = await user.Browser.GoAsync(begun.Link, Operator.Callback);

        (visit["error"], visit["state"], visit["connect_code"]).ShouldBe(("temporarily_unavailable", "application-state", null));
        scene.Clock.Advance(TimeSpan.FromSeconds(11));
        await user.ConnectAsync("discovered-late");
    }

    public static TheoryData<string, string> BadRedemptions { get; } = new()
    {
        { "status 500", "temporarily_unavailable" },
        { "too many requests", "temporarily_unavailable" },
        { "html", "temporarily_unavailable" },
        { "truncated", "temporarily_unavailable" },
        { "broken off", "temporarily_unavailable" },
        { "cut", "temporarily_unavailable" },
        { "oversize", "temporarily_unavailable" },
        { "redirect", "temporarily_unavailable" },
        { "invalid_grant", "server_error" },
        { "form error", "server_error" },
        { "ok false", "server_error" },
        { "no id_token", "server_error" },
        { "another audience", "server_error" },
        { "another issuer", "server_error" },
        { "another nonce", "server_error" },
        { "ended", "server_error" },
        { "no subject", "server_error" },
    };

    [Theory]
    [MemberData(nameof(BadRedemptions))]
    public async Task A_code_that_is_not_redeemed_ends_in_an_error_for_the_application_and_stores_nothing(string fault, string error)
    {
        var user = await scene.NewUserAsync();
        scene.Provider.Redemption.Next(RedemptionFault(fault));

        var visit = await user.Browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback);

        (visit["connect_code"], visit["state"]).ShouldBe((null, "application-state"));
        visit["error"].ShouldBe(error);
        (await user.ExchangeAsync())["reason"].ShouldBe("not_connected");
        await user.ConnectAsync();
    }

    [Fact]
    public async Task A_provider_that_hangs_is_given_up_after_its_deadline()
    {
        var user = await scene.NewUserAsync();
        var calls = scene.Provider.Redemption.Calls;
        scene.Provider.Redemption.Next(Fault.Hang());

        var visiting = user.Browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback);
        await scene.Provider.Redemption.WhenCalledAsync(calls + 1);
        scene.Clock.Advance(TimeSpan.FromSeconds(16));

        (await visiting)["error"].ShouldBe("temporarily_unavailable");
    }

    [Fact]
    public async Task A_provider_that_is_not_there_is_temporarily_unavailable()
    {
        var gone = await FakeProvider.StartAsync(time: scene.Clock);
        await scene.AddConnectionAsync("gone", "oauth2", gone.OAuth2Options("calendar.read"));
        var user = await scene.NewUserAsync();
        var begun = await user.BeginAsync(new JsonObject { ["connection"] = "gone" });
        var callback = (await user.Browser.GoAsync(begun.Link, scene.Vault.Issuer + "login/callback/")).Url;

        await gone.DisposeAsync();

        (await user.Browser.GoAsync(callback, Operator.Callback))["error"].ShouldBe("temporarily_unavailable");
    }

    [Fact]
    public async Task T_CF_07_A_plain_oauth_provider_that_names_nobody_gives_one_account_per_connection_and_none_overwrites_it()
    {
        var options = scene.Provider.OAuth2Options("calendar.read");
        options.Remove("userInfoURL");
        await scene.AddConnectionAsync("nameless", "oauth2", options);
        var user = await scene.NewUserAsync();

        // Begun before there was an account, completed when there is one.
        var begun = await user.BeginAsync(new JsonObject { ["connection"] = "nameless", ["authorization_params"] = new JsonObject { ["login_hint"] = "grace" } });
        var late = begun.CompleteBody((await user.Browser.GoAsync(begun.Link, Operator.Callback))["connect_code"]);
        var account = await user.ConnectAsync("nameless", "ada");
        VaultScene.Problem(await scene.App.CompleteAsync(begun.Token, late), 409);

        // T-CF-07: it may be another one, and would take the first one's place.
        var body = new JsonObject { ["connection"] = "nameless", ["redirect_uri"] = Operator.Callback };
        VaultScene.Problem(await user.MyAsync(HttpMethod.Post, VaultScene.Connect, await user.MyTokenAsync(), body), 409);
        scene.Provider.UserOf((await user.ExchangeAsync("nameless"))["access_token"]!).ShouldBe("ada");

        (await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", await user.MyTokenAsync())).Status.ShouldBe(204);
        await user.ConnectAsync("nameless", "grace");
        scene.Provider.UserOf((await user.ExchangeAsync("nameless"))["access_token"]!).ShouldBe("grace");

        // Once its grant is dead, a new consent takes its place: that is how a user repairs it.
        scene.Provider.RevokeGrant("grace");
        scene.EndAccessTokens();
        await scene.TickUntilAsync(async () => (await user.ExchangeAsync("nameless"))["reason"] == "reauthorization_required");
        await user.ConnectAsync("nameless", "grace");
    }

    private Fault RedemptionFault(string name) => name switch
    {
        "status 500" => Fault.Status(500),
        "too many requests" => Fault.TooManyRequests("30"),
        "html" => Fault.Html(),
        "truncated" => Fault.TruncatedJson(),
        "broken off" => Fault.BrokenOff(),
        "cut" => Fault.Cut(),
        "oversize" => Fault.Oversize(),
        "redirect" => Fault.Redirect(scene.Provider.Issuer + "/token"),
        "invalid_grant" => Fault.Error(400, "invalid_grant"),
        "form error" => Fault.FormError("bad_verification_code"),
        "ok false" => Fault.OkFalse("invalid_code"),
        "no id_token" => Fault.NoIdToken(),
        "another audience" => Fault.IdTokenClaim("aud", "someone-else"),
        "another issuer" => Fault.IdTokenClaim("iss", "https://evil.example"),
        "another nonce" => Fault.IdTokenClaim("nonce", "replayed"),
        "ended" => Fault.IdTokenClaim("exp", 1),
        "no subject" => Fault.IdTokenClaim("sub", null),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, message: null),
    };
}
