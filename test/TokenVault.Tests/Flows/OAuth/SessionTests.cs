using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Sign-in sessions: when the user is asked again, and when a session ends. These tests move the clock.</summary>
public sealed class SessionTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    private const string Grace = "grace@example.com";

    [Fact]
    public async Task Without_a_session_prompt_none_is_an_error_oidcc_prompt_none_not_logged_in()
    {
        (await vault.AuthorizeAsync(vault.Web, browser: null, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Theory]
    [InlineData("login")]
    [InlineData("select_account")]
    public async Task The_user_signs_in_again_when_the_client_says_so_oidcc_prompt_login(string prompt)
    {
        using var browser = await vault.SignedInBrowserAsync();
        vault.Server.Clock.Advance(TimeSpan.FromMinutes(5));
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("prompt", prompt)), Operator.Callback);
        page.ShouldBeSignInPage();

        var back = await SubmitAsync(browser, page);
        var id = Answers.Claims((await vault.RedeemAsync(vault.Web, back["code"]!, OAuthVault.Verifier))["id_token"]);

        id["auth_time"]!.GetValue<long>().ShouldBe(vault.Server.Clock.GetUtcNow().ToUnixTimeSeconds());
    }

    [Fact]
    public async Task Max_age_asks_only_whoever_signed_in_longer_ago_oidcc_max_age()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var since = vault.Server.Clock.GetUtcNow().ToUnixTimeSeconds();
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(15));

        var young = await vault.AuthorizeAsync(vault.Web, browser, ("max_age", "15000"));
        var id = Answers.Claims((await vault.RedeemAsync(vault.Web, young.Redirected("code")!, OAuthVault.Verifier))["id_token"]);
        id["auth_time"]!.GetValue<long>().ShouldBe(since);

        (await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("max_age", "1")), Operator.Callback)).ShouldBeSignInPage();
        (await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("max_age", "0")), Operator.Callback)).ShouldBeSignInPage();
        (await vault.AuthorizeAsync(vault.Web, browser, ("max_age", "1"), ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Fact]
    public async Task The_hinted_user_goes_through_oidcc_id_token_hint()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var hint = (await vault.SignInAsync(vault.Web, "openid", browser: browser))["id_token"];
        vault.Server.Clock.Jump(TimeSpan.FromHours(11));

        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"), ("id_token_hint", hint))).Redirected("code").ShouldNotBeNull();
    }

    [Fact]
    public async Task Somebody_other_than_the_hinted_user_does_not_go_through()
    {
        await vault.RenewAdminAsync();
        await vault.Admin.CreateUserAsync(Grace, OAuthVault.Password);
        var hint = (await vault.SignInAsync(vault.Web, "openid"))["id_token"];
        using var browser = await vault.SignedInBrowserAsync(Grace);
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"), ("id_token_hint", hint))).ShouldRedirectError("login_required");

        // Signing in as somebody else still ends the request, and does not go round in circles.
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("id_token_hint", hint)), Operator.Callback);
        page.ShouldBeSignInPage();
        var back = await SubmitAsync(browser, page, Grace);
        back["error"].ShouldBe("login_required");

        page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("id_token_hint", hint)), Operator.Callback);
        (await SubmitAsync(browser, page))["code"].ShouldNotBeNull();
    }

    [Fact]
    public async Task Another_clients_id_token_is_no_hint()
    {
        var hint = (await vault.SignInAsync(vault.Spa, "openid"))["id_token"];
        using var browser = await vault.SignedInBrowserAsync();

        (await vault.AuthorizeAsync(vault.Web, browser, ("id_token_hint", hint))).ShouldRedirectError("invalid_request");
    }

    [Fact]
    public async Task T_UI_04_A_session_ends_when_it_is_not_used_for_three_days()
    {
        using var browser = await vault.SignedInBrowserAsync();
        vault.Server.Clock.Jump(TimeSpan.FromHours(71));
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).Redirected("code").ShouldNotBeNull();

        // That use has prolonged it.
        vault.Server.Clock.Jump(TimeSpan.FromHours(71));
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).Redirected("code").ShouldNotBeNull();
        vault.Server.Clock.Jump(TimeSpan.FromHours(73));
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Fact]
    public async Task T_UI_04_A_session_ends_after_a_week_however_much_it_is_used()
    {
        using var browser = await vault.SignedInBrowserAsync();
        for (var day = 0; day < 6; day++)
        {
            vault.Server.Clock.Jump(TimeSpan.FromDays(1));
            (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).Redirected("code").ShouldNotBeNull();
        }

        vault.Server.Clock.Jump(TimeSpan.FromDays(1));
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Fact]
    public async Task A_sign_in_page_lives_for_an_hour()
    {
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));
        vault.Server.Clock.Advance(TimeSpan.FromMinutes(61));

        var late = await SubmitAsync(browser, page);

        late.Status.ShouldBe(400);
        late.Html.ShouldContain("expired");
    }

    private static Task<Visit> SubmitAsync(Browser browser, Visit page, string email = OAuthVault.Email) =>
        browser.SubmitAsync(page, new Dictionary<string, string> { ["username"] = email, ["password"] = OAuthVault.Password }, Operator.Callback);
}
