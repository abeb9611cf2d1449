using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>Who opens a connect link without being signed in here is told whose account it connects to whom.</summary>
public sealed class ConnectPageTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task T_CF_13_A_browser_without_the_users_session_is_told_for_whom_an_account_is_connected()
    {
        var attacker = await scene.NewUserAsync();
        var begun = await attacker.BeginAsync();
        using var victim = scene.Vault.NewBrowser();
        var asked = scene.Provider.Authorization.Calls;

        var page = await victim.GoAsync(begun.Link, Operator.Callback);

        page.Status.ShouldBe(200);
        page.Html.ShouldContain(attacker.Email);
        page.Html.ShouldContain("Application");
        page.Html.ShouldContain(VaultScene.Calendar);
        page.Html.ShouldContain("<li><code>calendar.read</code></li>");
        page.Html.ShouldNotContain("<script");
        scene.Provider.Authorization.Calls.ShouldBe(asked);

        // The answer counts in the browser that was asked.
        using var another = scene.Vault.NewBrowser();
        (await another.GoAsync(page.Link("continue to"), Operator.Callback)).Status.ShouldBe(400);
        var refused = await victim.GoAsync(page.Link("Cancel"), Operator.Callback);
        refused["error"].ShouldBe("access_denied");
        refused["state"].ShouldBe("application-state");
        (await victim.GoAsync(begun.Link, Operator.Callback)).Status.ShouldBe(400);
        scene.Provider.Authorization.Calls.ShouldBe(asked);
    }

    [Fact]
    public async Task A_user_whose_session_ended_can_go_on_by_the_page()
    {
        var user = await scene.NewUserAsync();
        var begun = await user.BeginAsync();
        using var elsewhere = scene.Vault.NewBrowser();
        var page = await elsewhere.GoAsync(begun.Link, Operator.Callback);

        var visit = await elsewhere.GoAsync(page.Link("continue to"), Operator.Callback);

        (await scene.App.CompleteAsync(begun.Token, begun.CompleteBody(visit["connect_code"]))).Status.ShouldBe(201);
    }

    [Fact]
    public async Task A_browser_with_the_users_session_goes_straight_through()
    {
        var user = await scene.NewUserAsync();

        (await user.Browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback))["connect_code"].ShouldNotBeNull();
    }
}
