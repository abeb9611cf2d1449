using System.Text.Json.Nodes;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>A provider in trouble never costs a user their connection; a provider that withdrew the grant is not asked again.</summary>
public sealed class RefreshFailureTests(VaultScene scene) : IClassFixture<VaultScene>
{
    public static TheoryData<string> Outages { get; } =
    [
        "500", "502", "503", "504", "500 with invalid_grant", "408", "429", "429 with invalid_grant", "429 date", "429 absurd",
        "404 html", "200 html",
        "200 empty", "truncated", "broken off", "cut", "oversize", "redirect", "400 nothing", "400 server_error", "400 temporarily_unavailable",
        "401 invalid_client", "400 unknown code", "200 ok:false ratelimited", "200 form error slow_down", "no access_token", "access_token null",
    ];

    /// <summary>After these, nobody knows whether the provider has rotated.</summary>
    private static HashSet<string> UnknownOutcomes { get; } =
    [
        "502", "504", "200 html", "200 empty", "truncated", "broken off", "cut", "oversize", "no access_token", "access_token null",
    ];

    public static TheoryData<string, string> DeadGrants { get; } = new()
    {
        { "400 invalid_grant", "oauth2" },
        { "401 invalid_grant", "oauth2" },
        { "403 invalid_grant", "oauth2" },
        { "200 form invalid_grant", "oauth2" },
        { "200 ok:false invalid_grant", "oauth2" },
        { "200 form bad_refresh_token", "github" },
    };

    [Theory]
    [MemberData(nameof(Outages))]
    public async Task F_12_An_outage_is_temporary_and_the_next_success_recovers(string outage)
    {
        await using var grant = await LoneGrant.MakeAsync(scene);

        // A token that is still valid, though not fresh, is served.
        scene.Clock.Advance(TimeSpan.FromSeconds(3600 - 120));
        grant.Provider.Refresh.Always(FaultOf(outage));
        var served = await grant.ExchangeAsync();
        (served.Status, served.Json["expires_in"]!.GetValue<int>()).ShouldBe((200, 120), outage);
        grant.Calls.ShouldBe(1);

        // While the provider wants to be left alone, or may have rotated already, it is not asked again (F-13, section 4.2).
        scene.Clock.Advance(TimeSpan.FromSeconds(121));
        var isLeftAlone = UnknownOutcomes.Contains(outage) || outage is "429 date" or "429 absurd";
        var refused = await grant.ExchangeAsync();
        (refused.Status, refused["error"], refused["reason"]).ShouldBe((503, "temporarily_unavailable", "temporarily_unavailable"), refused.Text);
        grant.Calls.ShouldBe(isLeftAlone ? 1 : 2);
        var wait = refused.Headers.RetryAfter!.Delta!.Value;
        wait.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(15));
        if (outage == "429")
        {
            wait.ShouldBe(TimeSpan.FromSeconds(30));
        }

        // The time named is true, and the refresh token that was not rotated has not been burnt meanwhile.
        grant.Provider.Refresh.Always(null);
        scene.Clock.Advance(wait);
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        grant.Calls.ShouldBe(isLeftAlone ? 2 : 3);
        (await scene.AuditAsync("tokenset_died", grant.User.Id)).ShouldBeEmpty();
    }

    [Fact]
    public async Task F_13_One_users_429_spares_the_provider_the_other_users_of_the_connection()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var other = await scene.ConnectedUserAsync(grant.Connection);
        scene.EndAccessTokens();
        grant.Provider.Refresh.Next(FaultOf("429"));
        (await grant.ExchangeAsync()).Status.ShouldBe(503);

        var spared = await other.ExchangeAsync(grant.Connection);

        (spared.Status, spared["reason"]).ShouldBe((503, "temporarily_unavailable"));
        spared.Headers.RetryAfter!.Delta!.Value.ShouldBe(TimeSpan.FromSeconds(30));
        grant.Calls.ShouldBe(1);
        scene.Clock.Advance(TimeSpan.FromSeconds(30));
        (await other.ExchangeAsync(grant.Connection)).Status.ShouldBe(200);
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData(502)]
    [InlineData(524)]
    public async Task F_12_A_gateways_answer_after_the_provider_has_rotated_leaves_the_attempt_in_doubt(int status)
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "family_revoking");
        scene.EndAccessTokens();
        grant.Provider.Refresh.Next(Fault.Status(status).AfterCommit());
        (await grant.ExchangeAsync()).Status.ShouldBe(503);
        var attempt = (await grant.RowAsync()).Attempt;
        scene.Clock.Advance(TimeSpan.FromSeconds(1));
        var next = await grant.ExchangeAsync();
        (attempt is null, grant.Calls, next.Status).ShouldBe((false, 1, 503));
    }

    [Theory]
    [MemberData(nameof(DeadGrants))]
    public async Task A_withdrawn_grant_fails_fast_until_the_user_reconnects(string fault, string strategy)
    {
        await using var provider = await FakeProvider.StartAsync(time: scene.Clock);
        var name = "dead-" + new string([.. fault.Where(char.IsAsciiLetterOrDigit)]);
        await AddConnectionAsync(name, strategy, provider);
        var user = await scene.NewUserAsync();
        var account = await user.ConnectAsync(name);
        scene.EndAccessTokens();
        provider.Refresh.Always(FaultOf(fault));

        for (var i = 0; i < 3; i++)
        {
            var dead = await user.ExchangeAsync(name);
            (dead.Status, dead["error"]).ShouldBe((401, "federated_connection_refresh_token_flow_failed"), dead.Text);
            dead["reason"].ShouldBe("reauthorization_required");
            dead["error_description"].ShouldBe("Refresh Token flow for the Federated Connection failed");
        }

        provider.Refresh.Calls.ShouldBe(1);
        var died = (await scene.AuditAsync("tokenset_died", user.Id)).ShouldHaveSingleItem();
        ((string?)died["details"]!["cause"]).ShouldBe("withdrawn");
        provider.Refresh.Always(null);
        var again = await user.ConnectAsync(name);
        ((string?)again["id"]).ShouldBe((string?)account["id"]);
        (await user.ExchangeAsync(name)).Status.ShouldBe(200);
        scene.EndAccessTokens();
        (await user.ExchangeAsync(name)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_grant_that_the_person_withdraws_at_the_provider_needs_their_consent_again()
    {
        await using var provider = await FakeProvider.StartAsync(time: scene.Clock);
        await scene.AddConnectionAsync("withdrawn", options: provider.OidcOptions(VaultScene.CalendarScopes));
        var user = await scene.NewUserAsync();
        await user.ConnectAsync("withdrawn");
        provider.RevokeGrant("ada");
        scene.EndAccessTokens();

        (await user.ExchangeAsync("withdrawn"))["reason"].ShouldBe("reauthorization_required");
        await user.ConnectAsync("withdrawn");
        (await user.ExchangeAsync("withdrawn")).Status.ShouldBe(200);
    }

    public static TheoryData<string, int> Lifetimes { get; } = new()
    {
        { "absent", 3600 },
        { "null", 3600 },
        { "0", 3600 },
        { "-5", 3600 },
        { "\"abc\"", 3600 },
        { "\"7200\"", 7200 },
        { "7200.9", 7200 },
        { "1e3", 1000 },
        { "{}", 3600 },
        { "true", 3600 },
        { "99999999999999999999", 315_360_000 },
        { "1e400", 315_360_000 },
    };

    [Theory]
    [MemberData(nameof(Lifetimes))]
    public async Task F_17_A_missing_or_absurd_lifetime_becomes_a_sensible_one(string expiresIn, int answered)
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        scene.Provider.Refresh.Next(expiresIn == "absent" ? Fault.NoExpiresIn() : Fault.ExpiresIn(JsonNode.Parse(expiresIn)));

        var answer = await user.ExchangeAsync();

        answer.Status.ShouldBe(200, answer.Text);
        answer.Json["expires_in"]!.ToJsonString().ShouldBe(answered.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task F_17_An_unnamed_lifetime_ends_after_an_hour_when_there_is_a_refresh_token_and_never_without_one()
    {
        var user = await scene.NewUserAsync();
        scene.Provider.Redemption.Next(Fault.NoExpiresIn());
        await user.ConnectAsync(person: "ada");
        scene.Provider.Redemption.Next(Fault.Rewriting((answer, _) =>
        {
            answer.Remove("expires_in");
            answer.Remove("refresh_token");
        }));
        await user.ConnectAsync(person: "grace");
        var calls = scene.Provider.Refresh.Calls;
        scene.Clock.Jump(TimeSpan.FromHours(2));

        (await user.ExchangeAsync(more: new JsonObject { ["login_hint"] = "grace" })).Json["expires_in"]!.GetValue<int>().ShouldBe(3600);
        scene.Provider.Refresh.Calls.ShouldBe(calls);
        (await user.ExchangeAsync(more: new JsonObject { ["login_hint"] = "ada" })).Status.ShouldBe(200);
        scene.Provider.Refresh.Calls.ShouldBe(calls + 1);
    }

    [Fact]
    public async Task F_36_A_long_refresh_token_of_another_format_is_kept_whole()
    {
        var user = await scene.ConnectedUserAsync();
        var longToken = "eyJ" + new string('x', 8000) + "~!-._/+=";
        scene.EndAccessTokens();
        scene.Provider.Refresh.Next(Fault.Rewriting((answer, _) => answer["refresh_token"] = longToken));
        (await user.ExchangeAsync()).Status.ShouldBe(200);

        scene.EndAccessTokens();
        await user.ExchangeAsync();

        scene.Provider.LastRefreshTokenSent.ShouldBe(longToken);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(100)]
    public async Task F_14_An_answer_that_comes_late_is_kept_although_nobody_waits_any_more(int seconds)
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        scene.EndAccessTokens();
        var gate = new FakeGate();
        grant.Provider.Refresh.Next(Fault.Held(gate).AfterCommit());
        var waiting = grant.ExchangeAsync();
        await gate.Entered;
        scene.Clock.Advance(TimeSpan.FromSeconds(seconds));
        (await waiting).Status.ShouldBe(503);

        gate.Release();

        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        grant.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task F_14_A_provider_that_never_answers_is_given_up_and_asked_again_by_a_later_exchange()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        scene.EndAccessTokens();
        grant.Provider.Refresh.Next(Fault.Hang());
        var waiting = grant.ExchangeAsync();
        await grant.Provider.Refresh.WhenCalledAsync(1);
        scene.Clock.Advance(TimeSpan.FromSeconds(121));
        (await waiting).Status.ShouldBe(503);
        (await grant.ExchangeAsync()).Status.ShouldBe(503);
        grant.Calls.ShouldBe(1);

        scene.Clock.Advance(TimeSpan.FromSeconds(29));
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        grant.Calls.ShouldBe(2);
    }

    private async Task AddConnectionAsync(string name, string strategy, FakeProvider provider)
    {
        var options = provider.OAuth2Options("repo");
        await scene.AddConnectionAsync(name, strategy, options);
        if (strategy == "github")
        {
            provider.Userinfo.Always(Fault.Answer(200, "application/json", """{"id":583231,"login":"octocat"}"""));
        }
    }

    private Fault FaultOf(string name) => name switch
    {
        "408" or "500" or "502" or "503" or "504" => Fault.Status(int.Parse(name, System.Globalization.CultureInfo.InvariantCulture)),
        "500 with invalid_grant" => Fault.Error(500, "invalid_grant"),
        "429" => Fault.TooManyRequests("30"),
        "429 with invalid_grant" => Fault.Error(429, "invalid_grant"),
        "429 date" => Fault.TooManyRequests("Tue, 02 Jan 2080 03:04:05 GMT"),
        "429 absurd" => Fault.TooManyRequests("99999999"),
        "404 html" => Fault.Html(404),
        "200 html" => Fault.Html(),
        "200 empty" => Fault.Status(200),
        "truncated" => Fault.TruncatedJson(),
        "broken off" => Fault.BrokenOff(),
        "cut" => Fault.Cut(),
        "oversize" => Fault.Oversize(),
        "redirect" => Fault.Redirect(scene.Provider.Issuer + "/elsewhere"),
        "400 nothing" => Fault.Answer(400, "application/json", "{}"),
        "400 server_error" => Fault.Error(400, "server_error"),
        "400 temporarily_unavailable" => Fault.Error(400, "temporarily_unavailable"),
        "401 invalid_client" => Fault.Error(401, "invalid_client"),
        "400 unknown code" => Fault.Error(400, "something_else"),
        "200 ok:false ratelimited" => Fault.OkFalse("ratelimited"),
        "200 form error slow_down" => Fault.FormError("slow_down"),
        "no access_token" => Fault.Answer(200, "application/json", """{"token_type":"Bearer"}"""),
        "access_token null" => Fault.Answer(200, "application/json", """{"access_token":null,"expires_in":3600}"""),
        "400 invalid_grant" => Fault.Error(400, "invalid_grant"),
        "401 invalid_grant" => Fault.Error(401, "invalid_grant"),
        "403 invalid_grant" => Fault.Error(403, "invalid_grant"),
        "200 form invalid_grant" => Fault.FormError("invalid_grant"),
        "200 ok:false invalid_grant" => Fault.OkFalse("invalid_grant"),
        "200 form bad_refresh_token" => Fault.FormError("bad_refresh_token"),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, message: null),
    };
}
