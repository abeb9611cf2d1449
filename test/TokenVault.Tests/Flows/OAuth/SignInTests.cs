using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>The sign-in page: who gets in, who does not, and what a stranger can make of it. These tests move the clock.</summary>
public sealed class SignInTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    private const string Refusal = "Wrong user name or password.";

    [Theory]
    [InlineData(OAuthVault.Email, "not the password")]
    [InlineData(OAuthVault.Email, "")]
    [InlineData(OAuthVault.Email, OAuthVault.Password + " ")]
    [InlineData("nobody@example.com", OAuthVault.Password)]
    [InlineData("", OAuthVault.Password)]
    [InlineData("' OR '1'='1", "' OR '1'='1")]
    public async Task T_CA_08_A_wrong_password_and_an_unknown_user_look_the_same(string username, string password)
    {
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));

        var answer = await SubmitAsync(browser, page, username, password);

        answer.Status.ShouldBe(401);
        answer.Html.ShouldContain(Refusal);
        answer.Html.ShouldNotContain(password.Length > 0 && !username.Contains('\'') ? password : "no such text");
        CookieOf(browser).ShouldBeNull();
    }

    [Fact]
    public async Task After_a_wrong_password_the_right_one_still_goes_through()
    {
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));
        var again = await SubmitAsync(browser, page, OAuthVault.Email, "wrong");

        (await SubmitAsync(browser, again, OAuthVault.Email, OAuthVault.Password))["code"].ShouldNotBeNull();
    }

    [Theory]
    [InlineData("ADA@Example.COM")]
    [InlineData("  ada@example.com ")]
    public async Task The_case_of_an_address_and_spaces_around_it_do_not_matter(string username)
    {
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));

        (await SubmitAsync(browser, page, username, OAuthVault.Password))["code"].ShouldNotBeNull();
    }

    [Theory]
    [InlineData("mallory@example.com", false)]
    [InlineData("trent@example.com", true)]
    public async Task T_CA_02_Ten_wrong_passwords_and_the_right_one_has_to_wait(string email, bool spelled)
    {
        await vault.RenewAdminAsync();
        await vault.Admin.CreateUserAsync(email, OAuthVault.Password);
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));
        for (var attempt = 0; attempt < 10; attempt++)
        {
            // However it is spelled, it is the same user's password that is guessed.
            var username = spelled ? (attempt % 2 == 0 ? email.ToUpperInvariant() : email) + new string(' ', attempt) : email;
            (await SubmitAsync(browser, page, username, "wrong" + attempt)).Status.ShouldBe(401);
        }

        (await SubmitAsync(browser, page, email, OAuthVault.Password)).Status.ShouldBe(429);
        (await SubmitAsync(browser, page, OAuthVault.Email, OAuthVault.Password))["code"].ShouldNotBeNull("other users are not locked out");

        vault.Server.Clock.Advance(TimeSpan.FromSeconds(61));
        using var later = vault.Server.NewBrowser();
        page = await later.GoAsync(vault.AuthorizeUrl(vault.Web));
        (await SubmitAsync(later, page, email, OAuthVault.Password))["code"].ShouldNotBeNull();
    }

    [Fact]
    public async Task A_blocked_user_cannot_sign_in_and_is_not_told_why()
    {
        await vault.RenewAdminAsync();
        await vault.Admin.CreateAsync("users", new JsonObject
        {
            ["connection"] = Wire.DatabaseConnection,
            ["email"] = "blocked@example.com",
            ["password"] = OAuthVault.Password,
            ["blocked"] = true,
        });
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));

        var answer = await SubmitAsync(browser, page, "blocked@example.com", OAuthVault.Password);

        answer.Status.ShouldBe(401);
        answer.Html.ShouldContain(Refusal);
    }

    [Fact]
    public async Task T_ST_11_Blocking_a_user_ends_their_session()
    {
        const string email = "judy@example.com";
        await vault.RenewAdminAsync();
        var userId = await vault.Admin.CreateUserAsync(email, OAuthVault.Password);
        using var browser = await vault.SignedInBrowserAsync(email);
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).Redirected("code").ShouldNotBeNull();

        await vault.BlockAsync(userId);

        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Fact]
    public async Task T_UI_03_Nobody_can_be_signed_in_with_a_page_from_another_browser()
    {
        using var attacker = vault.Server.NewBrowser();
        using var victim = vault.Server.NewBrowser();
        var page = await attacker.GoAsync(vault.AuthorizeUrl(vault.Web));

        foreach (var visited in (bool[])[false, true])
        {
            if (visited)
            {
                await victim.GoAsync(vault.AuthorizeUrl(vault.Web));
            }

            var answer = await SubmitAsync(victim, page, OAuthVault.Email, OAuthVault.Password);
            answer.Status.ShouldBe(400);
            answer.Html.ShouldContain("expired");
            CookieOf(victim).ShouldBeNull();
        }

        (await victim.GoAsync(page.Url)).Status.ShouldBe(400);
    }

    [Fact]
    public async Task T_UI_03_The_state_of_a_page_is_sealed()
    {
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));
        var state = page["state"]!;
        var bent = (string?[])[null, "", "x", state[..^4], state + "AAAA", (state[0] == 'A' ? "B" : "A") + state[1..], new string('A', 13_000)];

        foreach (var wrong in bent)
        {
            var query = wrong is null ? "" : "?state=" + wrong;
            (await vault.GetAsync("u/login" + query, browser: browser)).ShouldBeErrorPage();
            (await vault.GetAsync("authorize/resume" + query, browser: browser)).ShouldBeErrorPage();
        }

        (await vault.GetAsync("u/login?state=" + state, browser: browser)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Signing_in_starts_a_new_session_and_ends_the_browsers_former_one_session_fixation()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var former = CookieOf(browser)!;
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("prompt", "login")));
        await SubmitAsync(browser, page, OAuthVault.Email, OAuthVault.Password);

        CookieOf(browser).ShouldNotBe(former);
        using var thief = vault.Server.NewBrowser();
        thief.Cookies.Add(new Uri(vault.Issuer), new System.Net.Cookie("__Host-tv_session", former) { Secure = true });
        (await vault.AuthorizeAsync(vault.Web, thief, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Fact]
    public async Task A_cookie_of_the_attackers_choice_is_never_taken_over_session_fixation()
    {
        using var browser = vault.Server.NewBrowser();
        var planted = Identifier.Secret();
        browser.Cookies.Add(new Uri(vault.Issuer), new System.Net.Cookie("__Host-tv_session", planted) { Secure = true });
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));
        await SubmitAsync(browser, page, OAuthVault.Email, OAuthVault.Password);

        CookieOf(browser).ShouldNotBe(planted);
        using var thief = vault.Server.NewBrowser();
        thief.Cookies.Add(new Uri(vault.Issuer), new System.Net.Cookie("__Host-tv_session", planted) { Secure = true });
        (await vault.AuthorizeAsync(vault.Web, thief, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Fact]
    public async Task T_UI_03_The_session_cookie_is_for_this_host_over_TLS_and_not_for_scripts()
    {
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));
        var request = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + "u/login")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["state"] = page["state"]!,
                ["username"] = OAuthVault.Email,
                ["password"] = OAuthVault.Password,
            }),
        };

        var cookie = (await vault.SendAsync(request, browser)).Header("Set-Cookie")!;

        cookie.ShouldStartWith("__Host-tv_session=");
        foreach (var attribute in (string[])["; path=/", "; secure", "; samesite=lax", "; httponly", "; max-age="])
        {
            cookie.ShouldContain(attribute, Case.Insensitive);
        }

        cookie.ShouldNotContain("domain", Case.Insensitive);
    }

    private static Task<Visit> SubmitAsync(Browser browser, Visit page, string username, string password) =>
        browser.SubmitAsync(page, new Dictionary<string, string> { ["username"] = username, ["password"] = password }, Operator.Callback);

    private static string? CookieOf(Browser browser) => browser.Cookies.GetAllCookies().FirstOrDefault(c => c.Name == "__Host-tv_session")?.Value;
}
