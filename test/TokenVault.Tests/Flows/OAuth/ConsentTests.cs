using System.Text.Json.Nodes;
using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Third-party clients get what the user allows, and remember it.</summary>
public sealed class ConsentTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    private static readonly Dictionary<string, string> Allow = new() { ["action"] = "allow" };
    private static readonly Dictionary<string, string> Deny = new() { ["action"] = "deny" };

    [Fact]
    public async Task The_page_names_the_client_the_user_and_the_scopes()
    {
        var client = await ThirdPartyAsync("Planner");
        using var browser = await vault.SignedInBrowserAsync();
        var page = await PageAsync(browser, client, "openid read:calendar no:such");

        page.Html.ShouldContain("<h1>Allow Planner?</h1>");
        page.Html.ShouldContain(OAuthVault.Email);
        page.Html.ShouldContain("<li>Know who you are <code>openid</code></li>");
        page.Html.ShouldContain("<li>Read the calendar <code>read:calendar</code></li>");
        page.Html.ShouldContain($"<code>{OAuthVault.Audience}</code>");
        page.Html.ShouldNotContain("no:such");
    }

    [Fact]
    public async Task Allowing_gives_the_code_and_is_remembered()
    {
        var client = await ThirdPartyAsync("Remembered");
        using var browser = await vault.SignedInBrowserAsync();
        var back = await browser.SubmitAsync(await PageAsync(browser, client, "openid read:calendar"), Allow, Operator.Callback);

        back["state"].ShouldBe("the-state");
        (await vault.RedeemAsync(client, back["code"]!, OAuthVault.Verifier)).ScopesOf().ShouldBe(["openid", "read:calendar"]);
        (await vault.AuthorizeAsync(client, browser, ("audience", OAuthVault.Audience), ("scope", "openid read:calendar"), ("prompt", "none")))
            .Redirected("code").ShouldNotBeNull();
        (await vault.AuthorizeAsync(client, browser, ("audience", OAuthVault.Audience), ("scope", "read:calendar"), ("prompt", "none")))
            .Redirected("code").ShouldNotBeNull("fewer scopes need no more consent");
    }

    [Fact]
    public async Task Denying_is_an_error_and_is_asked_again_fapi2_user_rejects_authentication()
    {
        var client = await ThirdPartyAsync("Denied");
        using var browser = await vault.SignedInBrowserAsync();
        var back = await browser.SubmitAsync(await PageAsync(browser, client, "openid"), Deny, Operator.Callback);

        back["error"].ShouldBe("access_denied");
        back["state"].ShouldBe("the-state");
        back["code"].ShouldBeNull();
        (await PageAsync(browser, client, "openid")).Html.ShouldContain("name=\"action\"");
    }

    [Fact]
    public async Task Anything_but_allow_denies()
    {
        var client = await ThirdPartyAsync("Neither");
        using var browser = await vault.SignedInBrowserAsync();
        foreach (var action in (string[])["", "ALLOW", "yes", "allow "])
        {
            var page = await PageAsync(browser, client, "openid");
            (await browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = action }, Operator.Callback))["error"].ShouldBe("access_denied");
        }
    }

    [Fact]
    public async Task New_scopes_or_another_API_ask_again()
    {
        const string other = "https://other.example/api";
        await vault.CreateApiAsync(other);
        var client = await ThirdPartyAsync("Growing");
        using var browser = await vault.SignedInBrowserAsync();
        await browser.SubmitAsync(await PageAsync(browser, client, "openid read:calendar"), Allow, Operator.Callback);

        (string Name, string? Value)[] more() => [("prompt", "none"), ("audience", OAuthVault.Audience), ("scope", "openid read:calendar write:calendar")];
        (await vault.AuthorizeAsync(client, browser, more())).ShouldRedirectError("consent_required");
        (await vault.AuthorizeAsync(client, browser, ("prompt", "none"), ("audience", other), ("scope", "openid read:calendar"))).ShouldRedirectError("consent_required");

        var back = await browser.SubmitAsync(await PageAsync(browser, client, "openid read:calendar write:calendar"), Allow, Operator.Callback);
        back["code"].ShouldNotBeNull();
        (await vault.AuthorizeAsync(client, browser, more())).Redirected("code").ShouldNotBeNull();
    }

    [Fact]
    public async Task A_scope_that_the_page_did_not_show_is_not_consented_to()
    {
        const string api = "https://growing.example/api";
        var created = await vault.CreateApiAsync(api);
        var client = await ThirdPartyAsync("Early");
        using var browser = await vault.SignedInBrowserAsync();
        (string Name, string? Value)[] request() => [("audience", api), ("scope", "read:calendar admin:calendar")];
        var page = await browser.GoAsync(vault.AuthorizeUrl(client, request()), Operator.Callback);
        await browser.SubmitAsync(page, Allow, Operator.Callback);

        (await vault.Admin.PatchAsync("resource-servers/" + created["id"], new JsonObject
        {
            ["scopes"] = new JsonArray(new JsonObject { ["value"] = "read:calendar" }, new JsonObject { ["value"] = "admin:calendar" }),
        })).Status.ShouldBe(200);

        (await vault.AuthorizeAsync(client, browser, [.. request(), ("prompt", "none")])).ShouldRedirectError("consent_required");
    }

    [Fact]
    public async Task Nobody_elses_consent_counts()
    {
        await vault.Admin.CreateUserAsync("grace@example.com", OAuthVault.Password);
        var client = await ThirdPartyAsync("Shared");
        using var ada = await vault.SignedInBrowserAsync();
        await ada.SubmitAsync(await PageAsync(ada, client, "openid"), Allow, Operator.Callback);
        using var grace = await vault.SignedInBrowserAsync("grace@example.com");

        (await PageAsync(grace, client, "openid")).Html.ShouldContain("name=\"action\"");
    }

    [Fact]
    public async Task T_UI_03_Another_browser_or_user_cannot_send_the_page()
    {
        await vault.Admin.CreateUserAsync("heidi@example.com", OAuthVault.Password);
        var client = await ThirdPartyAsync("Clicked");
        using var ada = await vault.SignedInBrowserAsync();
        using var heidi = await vault.SignedInBrowserAsync("heidi@example.com");
        var page = await PageAsync(ada, client, "openid");

        (await heidi.SubmitAsync(page, Allow, Operator.Callback)).Status.ShouldBe(400);

        // The same browser, but somebody else has signed in meanwhile.
        var login = await ada.GoAsync(vault.AuthorizeUrl(vault.Web, ("prompt", "login")));
        await ada.SubmitAsync(login, new Dictionary<string, string> { ["username"] = "heidi@example.com", ["password"] = OAuthVault.Password }, Operator.Callback);
        (await ada.SubmitAsync(page, Allow, Operator.Callback)).Status.ShouldBe(400);
    }

    [Fact]
    public async Task Prompt_consent_asks_first_party_clients_too_and_asks_again()
    {
        using var browser = await vault.SignedInBrowserAsync();
        for (var time = 0; time < 2; time++)
        {
            var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("prompt", "consent")), Operator.Callback);
            page.Html.ShouldContain("name=\"action\"");
            (await browser.SubmitAsync(page, Allow, Operator.Callback))["code"].ShouldNotBeNull();
        }
    }

    [Fact]
    public async Task An_API_may_insist_on_consent_to_first_party_clients()
    {
        const string careful = "https://careful.example/api";
        await vault.CreateApiAsync(careful, new JsonObject { ["skip_consent_for_verifiable_first_party_clients"] = false });
        using var browser = await vault.SignedInBrowserAsync();
        (await vault.AuthorizeAsync(vault.Web, browser, ("audience", careful), ("prompt", "none"))).ShouldRedirectError("consent_required");

        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("audience", careful)), Operator.Callback);

        (await browser.SubmitAsync(page, Allow, Operator.Callback))["code"].ShouldNotBeNull();
        (await vault.AuthorizeAsync(vault.Web, browser, ("audience", careful), ("prompt", "none"))).Redirected("code").ShouldNotBeNull();
    }

    [Fact]
    public async Task Prompt_login_consent_asks_for_each_once()
    {
        var client = await ThirdPartyAsync("Both");
        using var browser = await vault.SignedInBrowserAsync();
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(10));
        var page = await browser.GoAsync(vault.AuthorizeUrl(client, ("prompt", "login consent"), ("max_age", "60")), Operator.Callback);
        page.ShouldBeSignInPage();
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(10));
        page = await browser.SubmitAsync(
            page, new Dictionary<string, string> { ["username"] = OAuthVault.Email, ["password"] = OAuthVault.Password }, Operator.Callback);
        page.Html.ShouldContain("name=\"action\"");
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(10));

        (await browser.SubmitAsync(page, Allow, Operator.Callback))["code"].ShouldNotBeNull();
    }

    [Fact]
    public async Task A_client_that_lost_its_callback_meanwhile_gets_nothing()
    {
        var client = await ThirdPartyAsync("Moved");
        using var browser = await vault.SignedInBrowserAsync();
        var page = await PageAsync(browser, client, "openid");
        var moved = new JsonObject { ["callbacks"] = new JsonArray("https://elsewhere.example/") };
        (await vault.Admin.PatchAsync("clients/" + client.Credentials.ClientId, moved)).Status.ShouldBe(200);

        foreach (var answer in (Dictionary<string, string>[])[Allow, Deny])
        {
            var visit = await browser.SubmitAsync(page, answer, Operator.Callback);
            visit.Status.ShouldBe(400);
        }
    }

    [Fact]
    public async Task T_AU_02_What_the_user_allowed_and_what_they_denied_is_in_the_log()
    {
        var client = await ThirdPartyAsync("Logged");
        using var browser = await vault.SignedInBrowserAsync();
        await browser.SubmitAsync(await PageAsync(browser, client, "openid"), Deny, Operator.Callback);
        await browser.SubmitAsync(await PageAsync(browser, client, "openid read:calendar"), Allow, Operator.Callback);

        foreach (var (type, scope) in ((string, string)[])[("consent_denied", "openid"), ("consent_granted", "openid read:calendar")])
        {
            var rows = await vault.Admin.GetAsync("logs?q=" + Uri.EscapeDataString($"type:{type} AND client_id:{client.Credentials.ClientId}"));
            var entry = rows.Json.AsArray().ShouldHaveSingleItem()!;
            ((string?)entry["scope"]).ShouldBe(scope);
            ((string?)entry["audience"]).ShouldBe(OAuthVault.Audience);
            ((string?)entry["user_id"]).ShouldStartWith("auth0|");
        }
    }

    private Task<Application> ThirdPartyAsync(string name) => vault.ClientAsync(name, new JsonObject { ["is_first_party"] = false });

    private Task<Visit> PageAsync(Browser browser, Application client, string scope) =>
        browser.GoAsync(vault.AuthorizeUrl(client, ("audience", OAuthVault.Audience), ("scope", scope)), Operator.Callback);
}
