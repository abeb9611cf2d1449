namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Signing out: <c>/v2/logout</c> and <c>/oidc/logout</c>. These tests move the clock.</summary>
public sealed class LogoutTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    private const string Allowed = "https://app.example/";

    private string ClientId => vault.Web.Credentials.ClientId;

    [Theory]
    [InlineData("v2/logout", "returnTo")]
    [InlineData("oidc/logout", "post_logout_redirect_uri")]
    public async Task The_session_ends_and_the_browser_goes_to_an_allowed_address(string path, string parameter)
    {
        using var browser = await vault.SignedInBrowserAsync();
        var answer = await vault.GetAsync($"{path}?client_id={ClientId}&{parameter}={Uri.EscapeDataString(Allowed)}&federated", browser: browser);

        answer.Status.ShouldBe(302);
        answer.Headers.Location!.OriginalString.ShouldBe(Allowed);
        answer.Header("Cache-Control").ShouldBe("no-store");
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Fact]
    public async Task A_stolen_cookie_is_worth_nothing_afterwards()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var cookie = browser.Cookies.GetAllCookies().Single(c => c.Name == "__Host-tv_session").Value;
        await vault.GetAsync("v2/logout", browser: browser);
        using var thief = vault.Server.NewBrowser();
        thief.Cookies.Add(new Uri(vault.Issuer), new System.Net.Cookie("__Host-tv_session", cookie) { Secure = true });

        (await vault.AuthorizeAsync(vault.Web, thief, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("https://app.example")]
    [InlineData("https://app.example/x")]
    [InlineData("https://app.example/?x")]
    [InlineData("https://APP.example/")]
    [InlineData("https://app.example.evil.example/")]
    [InlineData("https://app.example@evil.example/")]
    [InlineData("//app.example/")]
    [InlineData("/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("https://app.example/\r\nX-Evil: 1")]
    public async Task No_other_address_is_ever_gone_to_and_the_session_stays_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(string url)
    {
        using var browser = await vault.SignedInBrowserAsync();
        foreach (var request in (string[])[$"v2/logout?client_id={ClientId}&returnTo=", $"oidc/logout?client_id={ClientId}&post_logout_redirect_uri=", "v2/logout?returnTo=", "v2/logout?client_id=nobody&returnTo="])
        {
            (await vault.GetAsync(request + Uri.EscapeDataString(url), browser: browser)).ShouldBeErrorPage();
        }

        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).Redirected("code").ShouldNotBeNull();
    }

    [Fact]
    public async Task The_hint_names_the_client_and_the_state_comes_back_oidcc_rp_initiated_logout()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var hint = (await vault.SignInAsync(vault.Web, "openid", browser: browser))["id_token"];
        vault.Server.Clock.Jump(TimeSpan.FromHours(12));
        var answer = await vault.GetAsync($"oidc/logout?id_token_hint={hint}&post_logout_redirect_uri={Uri.EscapeDataString(Allowed)}&state=s%261&logout_hint=x", browser: browser);

        answer.Headers.Location!.OriginalString.ShouldBe(Allowed + "?state=s%261");
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Fact]
    public async Task A_form_does_the_same()
    {
        var hint = (await vault.SignInAsync(vault.Web, "openid"))["id_token"];
        var answer = await vault.PostAsync("oidc/logout", $"id_token_hint={hint}&post_logout_redirect_uri={Uri.EscapeDataString(Allowed)}&state=s");

        answer.Headers.Location!.OriginalString.ShouldBe(Allowed + "?state=s");
        (await vault.PostAsync("oidc/logout", "state=a&state=b")).ShouldBeErrorPage();
        (await vault.PostAsync("oidc/logout", "x", "text/plain")).ShouldBeErrorPage();
    }

    [Fact]
    public async Task A_hint_that_is_no_id_token_of_the_clients_is_refused_oidcc_rp_initiated_logout_bad_id_token_hint()
    {
        var tokens = await vault.SignInAsync(vault.Web);
        var others = (await vault.SignInAsync(vault.Spa, "openid"))["id_token"]!;
        var bent = tokens["id_token"]![..^4] + "AAAA";
        foreach (var hint in (string[])["x", tokens["refresh_token"]!, bent, others])
        {
            (await vault.GetAsync($"oidc/logout?client_id={ClientId}&id_token_hint={hint}&post_logout_redirect_uri={Uri.EscapeDataString(Allowed)}")).ShouldBeErrorPage();
        }
    }

    [Fact]
    public async Task Without_an_address_a_page_says_so_oidcc_rp_initiated_logout_no_params()
    {
        using var browser = await vault.SignedInBrowserAsync();
        foreach (var path in (string[])["v2/logout", "oidc/logout"])
        {
            var answer = await vault.GetAsync(path, browser: browser);
            answer.Status.ShouldBe(200);
            answer.Text.ShouldContain("Signed out");
        }
    }

    [Theory]
    [InlineData("v2/logout?client_id=a&client_id=b")]
    [InlineData("oidc/logout?state=%00")]
    public async Task A_malformed_request_is_refused(string path) => (await vault.GetAsync(path)).ShouldBeErrorPage();

    [Fact]
    public async Task Refresh_tokens_outlive_the_session_until_they_are_revoked()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var token = (await vault.SignInAsync(vault.Web, browser: browser))["refresh_token"];
        await vault.GetAsync("v2/logout", browser: browser);

        (await vault.RefreshAsync(vault.Web, token)).ShouldBeGranted();
    }
}
