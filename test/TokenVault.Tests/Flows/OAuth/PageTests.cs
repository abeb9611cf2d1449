using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using TokenVault.Server.Demo;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>What every page holds to, whatever it is made to show.</summary>
public sealed class PageTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    private static readonly string[] Payloads =
    [
        "<script>alert(1)</script>", "\"><script>alert(1)</script>", "'><img src=x onerror=alert(1)>", "</title><script>alert(1)</script>",
        "javascript:alert(1)", "\" onfocus=alert(1) autofocus=\"", "<svg/onload=alert(1)>", "${{7*7}}", "{{constructor.constructor('alert(1)')()}}",
        "<!--#exec cmd=\"/bin/ls /\"-->", "&lt;script&gt;alert(1)&lt;/script&gt;", "<IMG SRC=&#106;&#97;&#118;&#97;>", "\u202etest\u202e", "ﬁ<ﬁ", "‘’“”<x>",
        "<a href=\"\\x0Bjavascript:alert(1)\">", "`\"'><img src=x:x onerror=alert(1)>", "<iframe src=//evil.example>", "]]><x>", "\u2028<x>\u2029",
    ];

    [Fact]
    public async Task T_UI_02_Whatever_is_reflected_is_encoded()
    {
        using var browser = await vault.SignedInBrowserAsync();
        using var stranger = vault.Server.NewBrowser();
        foreach (var payload in Payloads)
        {
            Harmless((await stranger.GoAsync(vault.AuthorizeUrl(vault.Web, ("login_hint", payload)))).Html, payload);
            Harmless((await vault.AuthorizeAsync(vault.Web, null, ("client_id", payload))).Text, payload);
            Harmless((await vault.AuthorizeAsync(vault.Web, null, ("redirect_uri", payload))).Text, payload);
            Harmless((await vault.AuthorizeAsync(vault.Web, null, ("response_mode", payload))).Text, payload);
            Harmless((await vault.GetAsync($"authorize?{Uri.EscapeDataString(payload)}=1&{Uri.EscapeDataString(payload)}=2")).Text, payload);
            Harmless((await vault.AuthorizeAsync(vault.Web, null, ("state", payload), ("response_mode", "form_post"), ("prompt", "none"))).Text, payload);
            Harmless((await vault.AuthorizeAsync(vault.Spa, null, ("state", payload), ("response_mode", "web_message"), ("prompt", "none"))).Text, payload);
            Harmless((await vault.AuthorizeAsync(vault.Web, browser, ("audience", payload), ("response_mode", "form_post"))).Text, payload);
            Harmless((await vault.GetAsync("v2/logout?returnTo=" + Uri.EscapeDataString(payload))).Text, payload);
            Harmless((await vault.GetAsync("oidc/logout?id_token_hint=" + Uri.EscapeDataString(payload))).Text, payload);
        }
    }

    [Fact]
    public async Task T_UI_02_The_user_name_that_was_typed_is_encoded()
    {
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));
        foreach (var payload in Payloads)
        {
            var answer = await browser.SubmitAsync(page, new Dictionary<string, string> { ["username"] = payload, ["password"] = "wrong" });
            answer.Status.ShouldBe(401);
            Harmless(answer.Html, payload);
            answer.Html.ShouldContain($"value=\"{HtmlEncoder.Default.Encode(payload.Trim())}\"");
        }
    }

    [Fact]
    public async Task T_UI_02_An_error_description_never_breaks_out_of_the_redirect()
    {
        foreach (var payload in Payloads)
        {
            var answer = await vault.AuthorizeAsync(vault.Web, null, ("scope", payload), ("audience", payload), ("prompt", payload), ("state", payload + "\r\nX-Evil: 1"));

            answer.Header("X-Evil").ShouldBeNull();
            answer.Headers.Location!.OriginalString.ShouldAllBe(c => c > ' ' && c <= '~' && c != '<' && c != '"');
            answer.Redirected("state").ShouldBe(payload + "\r\nX-Evil: 1");
        }
    }

    [Fact]
    public async Task T_UI_01_Stored_names_are_encoded_on_the_consent_page()
    {
        const string api = "https://api.example/<script>alert(1)</script>";
        const string scope = "<img/src=x/onerror=alert(1)>";
        const string name = "R&D's \"best\" {{7*7}} &lt;x&gt;";
        await vault.CreateApiAsync(api, new JsonObject { ["scopes"] = new JsonArray(new JsonObject { ["value"] = scope, ["description"] = "x" }) });
        var client = await vault.ClientAsync(name, new JsonObject { ["is_first_party"] = false });
        using var browser = await vault.SignedInBrowserAsync();

        var page = await browser.GoAsync(vault.AuthorizeUrl(client, ("audience", api), ("scope", scope)));

        page.Html.ShouldContain("name=\"action\"");
        page.Html.ShouldNotContain("<script>alert");
        page.Html.ShouldNotContain("<img");
        page.Html.ShouldNotContain(name);
        page.Html.ShouldContain("<code>&lt;img/src=x/onerror=alert(1)&gt;</code>");
        page.Html.ShouldContain("&amp;lt;x&amp;gt;");
    }

    [Fact]
    public async Task T_CF_12_Every_page_refuses_frames_caches_referrers_and_foreign_content()
    {
        var third = await vault.ClientAsync("Third", new JsonObject { ["is_first_party"] = false });
        using var browser = await vault.SignedInBrowserAsync();
        using var stranger = vault.Server.NewBrowser();
        var login = await stranger.GoAsync(vault.AuthorizeUrl(vault.Web));
        var wrong = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + "u/login")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["state"] = login["state"]!, ["username"] = "x", ["password"] = "y" }),
        };
        var pages = new Dictionary<string, Answer>
        {
            ["sign in"] = await vault.GetAsync("u/login?state=" + login["state"], browser: stranger),
            ["wrong password"] = await vault.SendAsync(wrong, stranger),
            ["expired"] = await vault.GetAsync("u/login"),
            ["resume"] = await vault.GetAsync("authorize/resume"),
            ["unknown client"] = await vault.AuthorizeAsync(vault.Web, null, ("client_id", "nobody")),
            ["consent"] = await vault.AuthorizeAsync(third, browser),
            ["consent gone"] = await vault.PostAsync("u/consent", "action=allow"),
            ["form post"] = await vault.AuthorizeAsync(vault.Web, browser, ("response_mode", "form_post")),
            ["logout"] = await vault.GetAsync("v2/logout"),
            ["logout refused"] = await vault.GetAsync("oidc/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.example"),
            ["connect"] = await vault.GetAsync("connected-accounts/connect?ticket=none"),
            ["callback"] = await vault.GetAsync("login/callback/none?state=none"),
        };

        foreach (var (name, page) in pages)
        {
            var policy = page.Header("Content-Security-Policy");
            policy.ShouldNotBeNull(name);
            policy.ShouldContain("default-src 'none'", customMessage: name);
            policy.ShouldContain("frame-ancestors 'none'", customMessage: name);
            policy.ShouldContain("base-uri 'none'", customMessage: name);
            policy.ShouldContain("form-action 'self'", customMessage: name);
            policy.ShouldNotContain("unsafe", customMessage: name);
            policy.ShouldNotContain("*", customMessage: name);
            page.Header("X-Frame-Options").ShouldBe("DENY", name);
            CommonHeaders(page, name);
        }
    }

    [Fact]
    public async Task T_CF_12_Every_redirect_refuses_caches_and_referrers()
    {
        using var browser = await vault.SignedInBrowserAsync();
        CommonHeaders(await vault.AuthorizeAsync(vault.Web, browser), "code");
        CommonHeaders(await vault.AuthorizeAsync(vault.Web, browser, ("response_mode", "fragment")), "fragment");
        CommonHeaders(await vault.AuthorizeAsync(vault.Web, null, ("prompt", "none")), "error");
        CommonHeaders(await vault.AuthorizeAsync(vault.Web, null), "to the sign-in page");
        var logout = $"v2/logout?client_id={vault.Web.Credentials.ClientId}&returnTo=https%3A%2F%2Fapp.example%2F";
        CommonHeaders(await vault.GetAsync(logout, browser: browser), "logout");
    }

    [Fact]
    public async Task T_CF_12_No_route_that_there_is_answers_otherwise()
    {
        var routes = vault.Server.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method => (
                Method: method, Path: Regex.Replace(endpoint.RoutePattern.RawText!.TrimStart('/'), "{[^}]*}", "none", RegexOptions.NonBacktracking))))
            .Append(("GET", "no/such/route")).Append(("DELETE", "authorize"))
            .Distinct().ToList();
        routes.Count.ShouldBeGreaterThan(100);

        var pages = 0;
        foreach (var (method, path) in routes)
        {
            var answer = await vault.SendAsync(new HttpRequestMessage(new HttpMethod(method), vault.Issuer + path));

            // What says of the server what everybody may know is kept for a moment.
            CommonHeaders(answer, $"{method} {path}", path.StartsWith(".well-known/", StringComparison.Ordinal) ? "public, max-age=15" : "no-store");
            if (answer.ContentHeaders.ContentType?.MediaType == "text/html")
            {
                pages++;
                answer.Header("X-Frame-Options").ShouldBe("DENY", path);
                answer.Header("Content-Security-Policy")!.ShouldContain("frame-ancestors 'none'", customMessage: path);
            }
        }

        pages.ShouldBeGreaterThan(5);
    }

    [Fact]
    public async Task A_script_runs_by_its_nonce_and_each_page_has_its_own()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var nonces = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            var page = await vault.AuthorizeAsync(vault.Web, browser, ("response_mode", "form_post"));
            var nonce = page.Header("Content-Security-Policy")!.Split("'nonce-")[1].Split('\'')[0];
            page.Text.ShouldContain($"<script nonce=\"{nonce}\">");
            nonces.Add(nonce).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task T_UI_05_What_sets_a_cookie_is_never_cached()
    {
        var answer = await vault.AuthorizeAsync(vault.Web, browser: null);

        answer.Header("Set-Cookie").ShouldNotBeNull();
        answer.Header("Cache-Control")!.ShouldContain("no-store");
    }

    private static void CommonHeaders(Answer answer, string name, string caching = "no-store")
    {
        answer.Header("Cache-Control").ShouldBe(caching, name);
        answer.Header("Referrer-Policy").ShouldBe("no-referrer", name);
        answer.Header("X-Content-Type-Options").ShouldBe("nosniff", name);
        answer.Header("Server").ShouldBeNull(name);
    }

    private static void Harmless(string html, string payload)
    {
        html.ShouldContain("</html>");
        if (payload.IndexOfAny(['<', '"', '\'']) >= 0)
        {
            html.ShouldNotContain(payload);
        }

        var body = html.Replace("<script nonce=", "", StringComparison.Ordinal);
        foreach (var tag in (string[])["<script", "<img", "<svg", "<iframe", "<a ", "<x>", "onfocus=alert(1) autofocus=\""])
        {
            body.ShouldNotContain(tag, Case.Insensitive, payload);
        }
    }
}
