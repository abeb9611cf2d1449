using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Testing;
using TokenVault.Tests.Flows.OAuth;
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
    public async Task T_CF_13_An_address_that_nobody_verified_does_not_pass_for_the_readers_own()
    {
        var user = await scene.NewUserAsync();
        using var browser = scene.Vault.NewBrowser();

        (await browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback)).Html.ShouldContain($"<code>{user.Id}</code>");

        var admin = await scene.AdminAsync();
        (await admin.PatchAsync("users/" + Uri.EscapeDataString(user.Id), new JsonObject { ["email_verified"] = true })).Status.ShouldBe(200);
        var verified = await browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback);
        verified.Html.ShouldContain(user.Email);
        verified.Html.ShouldNotContain(user.Id);
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
    public async Task T_CF_12_Every_step_through_a_provider_refuses_frames_caches_and_referrers()
    {
        var connection = await scene.NewConnectionAsync();
        var user = await scene.NewUserAsync();
        var other = await scene.NewUserAsync();
        using var stranger = scene.Vault.NewBrowser();
        var own = scene.Vault.Issuer + "login/callback/";
        var link = (await user.BeginAsync()).Link;
        var page = await stranger.GoAsync(link, Operator.Callback);
        var connecting = await user.Browser.GoAsync((await user.BeginAsync()).Link, own);
        var departed = await scene.DepartAsync(stranger, connection);
        var steps = new Dictionary<string, (Answer Answer, int Status)>
        {
            ["whose account"] = (await GetAsync(stranger, link), 200),
            ["another user"] = (await GetAsync(other.Browser, link), 403),
            ["cancelled"] = (await GetAsync(stranger, page.Link("Cancel")), 302),
            ["used"] = (await GetAsync(user.Browser, link), 400),
            ["to connect"] = (await GetAsync(user.Browser, (await user.BeginAsync()).Link), 302),
            ["connected"] = (await GetAsync(user.Browser, connecting.Url), 302),
            ["to sign in"] = (await GetAsync(stranger, AuthorizeUrl(connection)), 302),
            ["signed in"] = (await GetAsync(stranger, (await FakeProvider.VisitAsync(departed.Url)).AbsoluteUri), 302),
        };

        foreach (var (name, (answer, status)) in steps)
        {
            answer.Status.ShouldBe(status, name);
            answer.Header("Cache-Control").ShouldBe("no-store", name);
            answer.Header("Referrer-Policy").ShouldBe("no-referrer", name);
            if (status != 302)
            {
                answer.Header("X-Frame-Options").ShouldBe("DENY", name);
                answer.Header("Content-Security-Policy")!.ShouldContain("frame-ancestors 'none'", customMessage: name);
            }
        }
    }

    private string AuthorizeUrl(string connection) => Server.Http.Urls.WithQuery(scene.Vault.Issuer + "authorize", new Dictionary<string, string>
    {
        ["response_type"] = "code",
        ["client_id"] = scene.App.Credentials.ClientId,
        ["redirect_uri"] = Operator.Callback,
        ["scope"] = "openid",
        ["connection"] = connection,
    });

    /// <summary>One step, with the browser's cookies and without following redirects.</summary>
    private async Task<Answer> GetAsync(Browser browser, string url)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Add("Cookie", browser.Cookies.GetCookieHeader(new Uri(url)));
        using var response = await scene.Vault.Api.Http.SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    [Fact]
    public async Task A_browser_with_the_users_session_goes_straight_through()
    {
        var user = await scene.NewUserAsync();

        (await user.Browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback))["connect_code"].ShouldNotBeNull();
    }
}
