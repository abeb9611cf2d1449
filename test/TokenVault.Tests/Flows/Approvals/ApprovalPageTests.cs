using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.SignIn;

namespace TokenVault.Tests.Flows.Approvals;

/// <summary>The pages on which users answer.</summary>
public sealed class ApprovalPageTests(ApprovalScene scene) : IClassFixture<ApprovalScene>
{
    [Fact]
    public async Task Whoever_follows_the_link_signs_in_first_and_sees_who_asks_for_what()
    {
        var user = await scene.NewUserAsync();
        var asked = await scene.AskedAsync(user.Id, ("authorization_details", """[{"type":"payment","amount":{"value":"12.50","currency":"EUR"},"to":["Books","More books"],"urgent":true,"note":null}]"""));
        using var browser = scene.Vault.NewBrowser();
        var login = await browser.GoAsync(asked.Uri);
        login.Html.ShouldContain("name=\"password\"");
        login.Html.ShouldNotContain("Order 17");
        var page = await browser.SubmitAsync(login, new Dictionary<string, string> { ["username"] = user.Email, ["password"] = user.Password });

        page.Url.ShouldBe(asked.Uri);
        page.Html.ShouldContain("<h1>Approve what Application asks?</h1>");
        page.Html.ShouldContain(user.Email);
        page.Html.ShouldContain("<blockquote id=\"message\">Order 17: 2 books</blockquote>");
        page.Html.ShouldContain("<li>Read the calendar <code>read:calendar</code></li>");
        page.Html.ShouldContain("<dt>type</dt><dd>payment</dd>");
        page.Html.ShouldContain("<dt>amount</dt><dd><dl><dt>value</dt><dd>12.50</dd><dt>currency</dt><dd>EUR</dd></dl></dd>");
        page.Html.ShouldContain("<dt>to</dt><dd><ul><li>Books</li><li>More books</li></ul></dd>");
        page.Html.ShouldContain("<dt>urgent</dt><dd>true</dd>");
        page.Html.ShouldContain("<dt>note</dt><dd><em>nothing</em></dd>");
        (await scene.PollAsync(asked.Id))["error"].ShouldBe("authorization_pending", "opening a link answers nothing");

        (await browser.SubmitAsync(page, ApprovalScene.Allow)).Html.ShouldContain("<h1>Approved</h1>");
        scene.Clock.Advance(TimeSpan.FromSeconds(5));
        (await scene.PollAsync(asked.Id)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Whoever_signs_in_through_a_provider_does_so_here_too()
    {
        var connection = await scene.NewConnectionAsync(more: new() { ["display_name"] = "Works" });
        var user = await scene.SignInAsync(connection);
        var asked = await scene.AskedAsync(user.Id);
        using var browser = scene.Vault.NewBrowser();
        var login = await browser.GoAsync(asked.Uri);
        var page = await browser.GoAsync(login.Link("Works"));
        page.Url.ShouldBe(asked.Uri);
        (await browser.SubmitAsync(page, ApprovalScene.Allow)).Html.ShouldContain("<h1>Approved</h1>");
        (await scene.PollAsync(asked.Id)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Requests_without_a_link_are_found_in_the_list_of_the_user_alone()
    {
        var (user, other) = (await scene.NewUserAsync(), await scene.NewUserAsync());
        var (first, second) = (await scene.AskedAsync(user.Id, ("binding_message", "First")), await scene.AskedAsync(user.Id, ("binding_message", "Second")));
        var list = await user.Browser.GoAsync(scene.Vault.Issuer + "approvals");
        list.Html.ShouldContain("Application: First");
        list.Html.ShouldContain(new Uri(second.Uri).AbsolutePath);
        (await other.Browser.GoAsync(scene.Vault.Issuer + "approvals")).Html.ShouldContain("Nothing waits for your approval.");

        await ApprovalScene.DenyAsync(user.Browser, first.Uri);
        (await user.Browser.GoAsync(scene.Vault.Issuer + "approvals")).Html.ShouldNotContain("First");

        using var stranger = scene.Vault.NewBrowser();
        var login = await stranger.GoAsync(scene.Vault.Issuer + "approvals");
        var listed = await stranger.SubmitAsync(login, new Dictionary<string, string> { ["username"] = user.Email, ["password"] = user.Password });
        listed.Html.ShouldContain("Application: Second");
    }

    [Fact]
    public async Task T_CF_02_Another_user_can_neither_see_nor_answer()
    {
        var (user, other) = (await scene.NewUserAsync(), await scene.NewUserAsync());
        var asked = await scene.AskedAsync(user.Id);
        var refused = await other.Browser.GoAsync(asked.Uri);
        refused.Status.ShouldBe(403);
        refused.Html.ShouldContain("This link is for another user");
        refused.Html.ShouldNotContain("Order 17");

        // A page of the right user, in a browser in which somebody else has signed in since.
        using var shared = scene.Vault.NewBrowser();
        await scene.App.AuthorizeAsync(shared, user.Email, user.Password, audience: null, "openid");
        var page = await shared.GoAsync(asked.Uri);
        await shared.GoAsync(scene.Vault.Issuer + "v2/logout");
        await scene.App.AuthorizeAsync(shared, other.Email, other.Password, audience: null, "openid");
        var answered = await shared.SubmitAsync(page, ApprovalScene.Allow);
        answered.Status.ShouldBe(403, answered.Html);
        (await scene.PollAsync(asked.Id))["error"].ShouldBe("authorization_pending");
    }

    [Fact]
    public async Task T_UI_03_The_form_counts_in_its_own_browser_for_its_own_request_and_once()
    {
        var user = await scene.NewUserAsync();
        var (asked, another) = (await scene.AskedAsync(user.Id), await scene.AskedAsync(user.Id));
        var page = await user.Browser.GoAsync(asked.Uri);

        // The same user in another browser, and a form without its state.
        using var elsewhere = scene.Vault.NewBrowser();
        await scene.App.AuthorizeAsync(elsewhere, user.Email, user.Password, audience: null, "openid");
        (await elsewhere.SubmitAsync(page, ApprovalScene.Allow)).Status.ShouldBe(400);
        (await user.Browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = "allow", ["state"] = "" })).Status.ShouldBe(400);
        (await scene.PollAsync(asked.Id))["error"].ShouldBe("authorization_pending");

        (await user.Browser.SubmitAsync(page, ApprovalScene.Deny)).Html.ShouldContain("<h1>Denied</h1>");
        var replayed = await user.Browser.SubmitAsync(page, ApprovalScene.Allow);
        replayed.Status.ShouldBe(410);
        replayed.Html.ShouldContain("There is nothing to approve here any more");
        scene.Clock.Advance(TimeSpan.FromSeconds(5));
        (await scene.PollAsync(asked.Id))["error"].ShouldBe("access_denied");
        (await scene.PollAsync(another.Id))["error"].ShouldBe("authorization_pending");
        (await user.Browser.GoAsync(scene.Vault.Issuer + "approvals/apr_nobody")).Status.ShouldBe(410);
    }

    /// <summary>T-UI-01, T-UI-02: whatever a client writes is text on the page.</summary>
    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("\"><img src=x onerror=alert(1)>")]
    [InlineData("</dd></dl><form action=https://evil.example>")]
    [InlineData("{{7*7}} ${7*7} ' onmouseover='x")]
    [InlineData("\u202Egnikcatta\u2066")]
    public async Task T_UI_02_Hostile_details_and_names_are_shown_as_text(string hostile)
    {
        // A name with angle brackets is refused when the client is made.
        var name = hostile.Replace('<', '(').Replace('>', ')');
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync(name, new JsonObject { ["grant_types"] = new JsonArray(Wire.Ciba) });
        var details = new JsonArray(new JsonObject { ["type"] = hostile, [hostile] = new JsonArray(hostile, new JsonObject { [hostile] = hostile }) });
        var asked = await scene.AskedAsync(
            scene.User.Id, ("client_id", credentials.ClientId), ("client_secret", credentials.ClientSecret), ("authorization_details", details.ToJsonString()), ("scope", "openid"), ("audience", null));
        var page = await scene.User.Browser.GoAsync(asked.Uri);
        page.Status.ShouldBe(200, page.Html);
        page.Html.ShouldNotContain(hostile);
        page.Html.ShouldContain($"<dt>type</dt><dd>{System.Text.Encodings.Web.HtmlEncoder.Default.Encode(hostile)}</dd>");
        page.Html.ShouldContain("<h1>Approve what " + System.Text.Encodings.Web.HtmlEncoder.Default.Encode(name));
        (await scene.User.Browser.GoAsync(scene.Vault.Issuer + "approvals")).Html.ShouldNotContain(hostile);
        await ApprovalScene.DenyAsync(scene.User.Browser, asked.Uri);
    }

    [Fact]
    public async Task T_CF_12_The_pages_can_be_neither_framed_nor_cached()
    {
        var asked = await scene.AskedAsync(scene.User.Id);
        foreach (var path in (string[])["approvals", asked.Uri[scene.Vault.Issuer.Length..]])
        {
            using var http = LoopbackHttp.Client(scene.Vault.Api.Trusted, scene.User.Browser.Cookies);
            using var answer = await http.GetAsync(new Uri(scene.Vault.Issuer + path));
            answer.Headers.GetValues("Content-Security-Policy").Single().ShouldContain("frame-ancestors 'none'");
            answer.Headers.GetValues("Content-Security-Policy").Single().ShouldNotContain("script-src");
            answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
            answer.Headers.GetValues("Referrer-Policy").Single().ShouldBe("no-referrer");
        }
    }

    [Fact]
    public async Task Whoever_signs_out_after_opening_the_page_signs_in_again_before_the_answer_counts()
    {
        var user = await scene.NewUserAsync();
        var asked = await scene.AskedAsync(user.Id);
        var page = await user.Browser.GoAsync(asked.Uri);
        await user.Browser.GoAsync(scene.Vault.Issuer + "v2/logout");
        (await user.Browser.SubmitAsync(page, ApprovalScene.Allow)).Html.ShouldContain("name=\"password\"");
        (await scene.PollAsync(asked.Id))["error"].ShouldBe("authorization_pending");
    }
}
