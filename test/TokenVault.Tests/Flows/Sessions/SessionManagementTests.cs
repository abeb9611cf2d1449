using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Sessions;

/// <summary>Sessions as administrators set, see and end them. These tests move the clock.</summary>
public sealed class SessionManagementTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task T_UI_04_Sessions_live_as_long_as_the_tenant_is_set()
    {
        await SetAsync("""{"session_lifetime":4,"idle_session_lifetime":1}""", 4, 1);
        using var idle = await vault.SignedInBrowserAsync();
        using var busy = await vault.SignedInBrowserAsync();
        for (var use = 0; use < 4; use++)
        {
            vault.Server.Clock.Jump(TimeSpan.FromMinutes(55));
            await GoesThroughAsync(busy);
        }

        await HasEndedAsync(idle);
        vault.Server.Clock.Jump(TimeSpan.FromMinutes(21));
        await HasEndedAsync(busy);

        // Taken back, the operator's configuration counts: for sessions that begin from now on.
        await vault.RenewAdminAsync();
        await SetAsync("""{"session_lifetime":null,"idle_session_lifetime":null}""", 168, 72);
        using var later = await vault.SignedInBrowserAsync();
        vault.Server.Clock.Jump(TimeSpan.FromHours(71));
        await GoesThroughAsync(later);
        await vault.RenewAdminAsync();
    }

    [Theory]
    [InlineData("""{"session_lifetime":0}""")]
    [InlineData("""{"session_lifetime":"long"}""")]
    [InlineData("""{"idle_session_lifetime":8761}""")]
    public async Task A_lifetime_is_a_number_of_hours(string body) =>
        (await vault.Admin.PatchAsync("tenants/settings", JsonNode.Parse(body)!)).Status.ShouldBe(400);

    [Fact]
    public async Task Revoking_a_session_ends_its_refresh_tokens_too_and_deleting_it_leaves_them()
    {
        var email = "revoked@example.com";
        var user = await vault.Admin.CreateUserAsync(email, OAuthVault.Password);
        var (revoked, deleted) = (await SignInAsync(email), await SignInAsync(email));
        var (first, second) = (SessionOf(revoked.Tokens), SessionOf(deleted.Tokens));

        (await vault.Admin.PostAsync($"sessions/{first}/revoke", new JsonObject())).Status.ShouldBe(202);
        (await vault.RefreshAsync(vault.Web, revoked.Tokens["refresh_token"])).ShouldBeRefused(403, "invalid_grant");
        await HasEndedAsync(revoked.Browser);
        await GoesThroughAsync(deleted.Browser);
        (await vault.RefreshAsync(vault.Web, deleted.Tokens["refresh_token"])).ShouldBeGranted();

        (await vault.Admin.DeleteAsync("sessions/" + second)).Status.ShouldBe(202);
        await HasEndedAsync(deleted.Browser);
        (await vault.RefreshAsync(vault.Web, deleted.Tokens["refresh_token"])).ShouldBeGranted();
        (await vault.Admin.DeleteAsync($"users/{Uri.EscapeDataString(user)}/refresh-tokens")).Status.ShouldBe(202);
        (await vault.RefreshAsync(vault.Web, deleted.Tokens["refresh_token"])).ShouldBeRefused(403, "invalid_grant");

        (await vault.Admin.PostAsync($"sessions/{first}/revoke", new JsonObject())).Status.ShouldBe(404);
        (await vault.Admin.GetAsync("sessions/" + first)).Status.ShouldBe(404);
        revoked.Browser.Dispose();
        deleted.Browser.Dispose();
    }

    [Fact]
    public async Task A_user_who_is_blocked_stays_out_when_they_are_let_in_again_until_they_sign_in()
    {
        var email = "blocked@example.com";
        var path = "users/" + Uri.EscapeDataString(await vault.Admin.CreateUserAsync(email, OAuthVault.Password));
        var (browser, _) = await SignInAsync(email);
        (await vault.Admin.PatchAsync(path, new JsonObject { ["blocked"] = true })).Status.ShouldBe(200);
        (await vault.Admin.GetAsync(path + "/sessions")).Json["sessions"]!.AsArray().ShouldBeEmpty();
        (await vault.Admin.PatchAsync(path, new JsonObject { ["blocked"] = false })).Status.ShouldBe(200);
        await HasEndedAsync(browser);
        browser.Dispose();
    }

    private async Task SetAsync(string body, double absolute, double idle)
    {
        var settings = (await vault.Admin.PatchAsync("tenants/settings", JsonNode.Parse(body)!)).Json;
        ((double)settings["session_lifetime"]!, (double)settings["idle_session_lifetime"]!).ShouldBe((absolute, idle));
    }

    private async Task<(Browser Browser, Answer Tokens)> SignInAsync(string email)
    {
        var browser = await vault.SignedInBrowserAsync(email);
        return (browser, await vault.SignInAsync(vault.Web, "openid offline_access", browser: browser));
    }

    private static string SessionOf(Answer tokens) => (string)Answers.Claims(tokens["id_token"])["sid"]!;

    private async Task GoesThroughAsync(Browser browser) =>
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).Redirected("code").ShouldNotBeNull();

    private async Task HasEndedAsync(Browser browser) =>
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
}
