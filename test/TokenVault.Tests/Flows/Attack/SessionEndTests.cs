using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.OAuth;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Tests.Flows.Attack;

/// <summary>An ended session stays ended.</summary>
public sealed class SessionEndTests(AttackScene scene) : IClassFixture<AttackScene>
{
    [Fact]
    public async Task T_UI_04_a_session_that_ended_while_a_code_was_on_its_way_does_not_come_back()
    {
        using var browser = scene.Vault.NewBrowser();
        await scene.SignInAsync(browser);
        var client = await ClientAsync(await scene.Admin.CreateApplicationAsync("Another"));
        var session = await OnlySessionAsync();
        var user = (await scene.Vault.Storage.FindAsync<User>(scene.UserId, CancellationToken.None))!;

        // The request has read the session; the user signs out; the request goes on.
        await browser.GoAsync(scene.Vault.Issuer + "v2/logout");
        var request = new AuthorizeRequest { Client = client, Response = new AuthorizeResponse(scene.Vault.Issuer, ResponseMode.Query, Operator.Callback, State: null) };
        var code = await scene.Vault.Service<AuthorizationGranter>().IssueCodeAsync(request, new SignedIn(session, user), ["openid"]);

        code.ShouldBeNull();
        (await scene.Vault.Storage.FindAsync<Session>(session.Id, CancellationToken.None)).ShouldBeNull();
        (await scene.App.AuthorizeAsync(browser, "", "", null, "openid", [new("prompt", "none")])).Visit["error"].ShouldBe("login_required");
    }

    [Fact]
    public async Task Two_clients_that_sign_in_at_once_both_get_their_code()
    {
        using var browser = scene.Vault.NewBrowser();
        await scene.SignInAsync(browser);
        var clients = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => scene.Admin.CreateApplicationAsync($"Client {i}")));
        var visits = await Task.WhenAll(clients.Select(credentials =>
            new Application(scene.Vault.Api, credentials).AuthorizeAsync(browser, "", "", null, "openid", [new("prompt", "none")])));
        visits.ShouldAllBe(visit => visit.Visit["code"] != null);
        await browser.GoAsync(scene.Vault.Issuer + "v2/logout");
    }

    [Fact]
    public async Task T_UI_04_a_changed_password_ends_the_sessions_that_the_old_one_began()
    {
        using var browser = scene.Vault.NewBrowser();
        const string email = "eve@example.com";
        var userId = await scene.Admin.CreateUserAsync(email, AttackScene.Password);
        await scene.SignInAsync(browser, email: email);
        (await SilentAsync(browser))["code"].ShouldNotBeNull();

        (await scene.Admin.PatchAsync("users/" + Uri.EscapeDataString(userId), new JsonObject { ["name"] = "Eve" })).Status.ShouldBe(200);
        (await SilentAsync(browser))["code"].ShouldNotBeNull();

        (await scene.Admin.PatchAsync("users/" + Uri.EscapeDataString(userId), new JsonObject { ["password"] = "a new one entirely" })).Status.ShouldBe(200);
        (await SilentAsync(browser))["error"].ShouldBe("login_required");
    }

    private async Task<Visit> SilentAsync(Browser browser) =>
        (await scene.App.AuthorizeAsync(browser, "", "", null, "openid", [new("prompt", "none")])).Visit;

    private async Task<Client> ClientAsync(Credentials credentials) =>
        (await scene.Vault.Storage.FindAsync<Client>(credentials.ClientId, CancellationToken.None))!;

    private async Task<Session> OnlySessionAsync()
    {
        var all = await scene.Vault.Storage.ListAllAsync<Session>(EntityKey.Index("user", scene.UserId), CancellationToken.None);
        return all.ShouldHaveSingleItem();
    }
}
