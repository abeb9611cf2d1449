using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>Which connection somebody signs in through, and what their session remembers of it.</summary>
public sealed class SignInPageTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task The_sign_in_page_offers_the_connections_and_a_link_signs_in()
    {
        var connection = await scene.NewConnectionAsync(more: new() { ["display_name"] = "Ada's <Works>" });
        var hidden = await scene.NewConnectionAsync(more: new() { ["show_as_button"] = false });
        var vaultOnly = await scene.NewConnectionAsync(more: new() { ["authentication"] = new JsonObject { ["active"] = false } });
        using var browser = scene.Vault.NewBrowser();
        var (page, verifier) = await scene.PageAsync(browser, scene.App);
        page.ShouldBeSignInPage();
        page.Html.ShouldNotContain(hidden);
        page.Html.ShouldNotContain(vaultOnly);
        page.Html.ShouldContain("Continue with Ada&#x27;s &lt;Works&gt;");
        page.Html.ShouldContain("<nav aria-label=");
        page.Html.ShouldNotContain("<script");

        var back = await browser.GoAsync(page.Link("Ada's <Works>"), Operator.Callback);

        (await scene.RedeemAsync(browser, back, verifier)).Id.ShouldBe($"oidc|{connection}|ada");
    }

    [Fact]
    public async Task A_link_of_the_page_works_in_its_own_browser_only()
    {
        await scene.NewConnectionAsync(more: new() { ["display_name"] = "Somewhere" });
        using var attacker = scene.Vault.NewBrowser();
        using var victim = scene.Vault.NewBrowser();
        var (page, _) = await scene.PageAsync(attacker, scene.App);
        await scene.PageAsync(victim, scene.App);

        (await victim.GoAsync(page.Link("Somewhere"), Operator.Callback)).Status.ShouldBe(400);
    }

    [Fact]
    public async Task A_third_party_application_is_offered_none()
    {
        await scene.NewConnectionAsync(more: new() { ["display_name"] = "Somewhere" });
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync("Third party", new JsonObject { ["is_first_party"] = false });
        using var browser = scene.Vault.NewBrowser();

        var (page, _) = await scene.PageAsync(browser, new Application(scene.Vault.Api, credentials));

        page.ShouldBeSignInPage();
        page.Html.ShouldNotContain("Continue with");
    }

    [Fact]
    public async Task A_connection_that_is_not_enabled_for_the_client_signs_nobody_in()
    {
        var connection = await scene.NewConnectionAsync();
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync("Another");
        using var browser = scene.Vault.NewBrowser();

        var (visit, _) = await new Application(scene.Vault.Api, credentials).AuthorizeAsync(
            browser, "", "", audience: null, "openid", [new("connection", connection)]);

        visit.ShouldEndWith("invalid_request");
        (await scene.AuthorizeAsync(browser, "no-such-connection")).Visit.ShouldEndWith("invalid_request");
    }

    [Fact]
    public async Task A_session_serves_the_connection_that_began_it_and_no_other()
    {
        var connection = await scene.NewConnectionAsync();
        var other = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection);
        var asked = scene.Provider.Authorization.Calls;

        (await scene.SignInAsync(connection, browser: user.Browser)).Id.ShouldBe(user.Id);
        scene.Provider.Authorization.Calls.ShouldBe(asked);
        (await scene.AuthorizeAsync(user.Browser, other, ("prompt", "none"))).Visit.ShouldEndWith("login_required");
        (await scene.DepartAsync(user.Browser, Wire.DatabaseConnection)).ShouldBeSignInPage();

        (await scene.SignInAsync(other, browser: user.Browser)).Id.ShouldBe($"oidc|{other}|ada");
        scene.Provider.Authorization.Calls.ShouldBe(asked + 1);

        // One browser, one session: the former is over.
        (await scene.AuthorizeAsync(user.Browser, connection, ("prompt", "none"))).Visit.ShouldEndWith("login_required");
    }

    [Fact]
    public async Task Who_has_a_local_session_is_sent_to_the_connection_that_is_asked_for()
    {
        var connection = await scene.NewConnectionAsync();
        var local = await scene.NewUserAsync();

        (await scene.SignInAsync(connection, browser: local.Browser)).Id.ShouldBe($"oidc|{connection}|ada");
    }

    [Fact]
    public async Task Signing_out_ends_the_session()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.SignInAsync(connection);
        var url = $"{scene.Vault.Issuer}oidc/logout?id_token_hint={user.Tokens["id_token"]}&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F";

        (await user.Browser.GoAsync(url, "https://app.example/")).Status.ShouldBe(0);

        (await scene.AuthorizeAsync(user.Browser, connection, ("prompt", "none"))).Visit.ShouldEndWith("login_required");
        (await scene.AuditAsync("slo", user.Id)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_id_token_hint_of_somebody_else_ends_in_an_error_and_not_in_a_circle()
    {
        var connection = await scene.NewConnectionAsync();
        var ada = await scene.SignInAsync(connection);
        using var browser = scene.Vault.NewBrowser();

        var (visit, _) = await scene.AuthorizeAsync(browser, connection, ("login_hint", "grace"), ("id_token_hint", ada.Tokens["id_token"]!));

        visit.ShouldEndWith("login_required");
    }
}
