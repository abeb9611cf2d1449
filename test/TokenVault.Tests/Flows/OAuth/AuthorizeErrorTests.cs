using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>The authorization endpoint, when something is wrong: who learns of it, and how.</summary>
public sealed class AuthorizeErrorTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    private const string Registered = "https://app.example/cb?a=1";

    private static readonly string[] ForeignRedirectUris =
    [
        // Not registered, or nearly.
        "https://evil.example/", "https://app.example/cb", "https://app.example/cb?a=1&b=2", "https://app.example/cb?b=2", "https://app.example/cb?a=1#x",
        "https://app.example/cb?a=1#", "https://app.example/cb/?a=1", "https://app.example/CB?a=1", "https://APP.example/cb?a=1", "HTTPS://app.example/cb?a=1",
        "http://app.example/cb?a=1", "https://app.example:443/cb?a=1", "https://app.example:8443/cb?a=1", "https://app.example./cb?a=1",
        "https://www.app.example/cb?a=1", "https://app.example.evil.example/cb?a=1", "https://evil.example/app.example/cb?a=1",

        // Parsers that disagree.
        "https://app.example@evil.example/cb?a=1", "https://app.example:x@evil.example/cb?a=1", "https://evil.example#@app.example/cb?a=1",
        "https://evil.example?@app.example/cb?a=1", "https://evil.example\\@app.example/cb?a=1", "https:\\\\app.example\\cb?a=1", "https:/app.example/cb?a=1",
        "//app.example/cb?a=1", "/cb?a=1", "cb?a=1", "https://app.example/x/../cb?a=1", "https://app.example/./cb?a=1", "https://app.example//cb?a=1",
        "https://app.example/%63b?a=1", "https://app.example/cb%3Fa=1", "https://app.example/cb?a=%31", "https://app.example/cb;x?a=1",
        "https://app。example/cb?a=1", "https://аpp.example/cb?a=1", "https://app.example/cb?a=1\t", " https://app.example/cb?a=1", "https://app.example/cb?a=1 ",
        "https://app.example/cb?a=1\r\nX-Evil: 1", "https://app.example/cb?a=1\u00a0",

        // Patterns and other schemes.
        "https://*.example/cb?a=1", "https://app.example/*", "https://app.example/cb?a=1,https://evil.example/", "https://app.example/cb?a=1 https://evil.example/",
        "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "com.example.app:/cb?a=1", "urn:ietf:wg:oauth:2.0:oob", "null", "http://localhost:3000/",
        "http://127.0.0.1/cb?a=1",
    ];

    [Fact]
    public async Task T_CF_03_No_redirect_URI_but_the_registered_one_is_ever_redirected_to_oidcc_ensure_registered_redirect_uri()
    {
        var client = await vault.ClientAsync("Exact", new JsonObject { ["callbacks"] = new JsonArray(Registered) });
        using var browser = await vault.SignedInBrowserAsync();
        (await vault.AuthorizeAsync(client, browser, ("redirect_uri", Registered))).Headers.Location!.OriginalString.ShouldStartWith(Registered + "&code=");
        ForeignRedirectUris.Length.ShouldBeGreaterThanOrEqualTo(45);

        foreach (var uri in ForeignRedirectUris)
        {
            foreach (var mode in (string[])["query", "form_post"])
            {
                var answer = await vault.AuthorizeAsync(client, browser, ("redirect_uri", uri), ("response_mode", mode), ("prompt", "none"));
                answer.Status.ShouldBe(400, uri);
                answer.ShouldBeErrorPage();
                answer.Text.ShouldNotContain("name=\"code\"");
            }
        }
    }

    [Fact]
    public async Task T_CF_03_An_error_does_not_make_a_foreign_redirect_URI_good_either()
    {
        (await vault.AuthorizeAsync(vault.Web, null, ("redirect_uri", "https://evil.example/"), ("response_type", "token"))).ShouldBeErrorPage();
        (await vault.AuthorizeAsync(vault.Web, null, ("redirect_uri", "https://evil.example/"), ("scope", "\"\\"))).ShouldBeErrorPage();
    }

    [Fact]
    public async Task A_client_with_several_must_name_one_oidcc_ensure_redirect_uri_in_authorization_request()
    {
        var client = await vault.ClientAsync("Two", new JsonObject { ["callbacks"] = new JsonArray("https://app.example/a", "https://app.example/b") });

        (await vault.AuthorizeAsync(client, null, ("redirect_uri", null))).ShouldBeErrorPage();
    }

    [Fact]
    public async Task Another_clients_redirect_URI_is_foreign()
    {
        var client = await vault.ClientAsync("Elsewhere", new JsonObject { ["callbacks"] = new JsonArray("https://elsewhere.example/cb") });

        (await vault.AuthorizeAsync(client, null)).ShouldBeErrorPage();
        (await vault.AuthorizeAsync(vault.Web, null, ("redirect_uri", "https://elsewhere.example/cb"))).ShouldBeErrorPage();
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("' OR 1=1 --")]
    [InlineData("<script>alert(1)</script>")]
    [InlineData(null)]
    public async Task An_unknown_client_gets_a_page(string? clientId)
    {
        var answer = await vault.AuthorizeAsync(vault.Web, null, ("client_id", clientId));

        answer.ShouldBeErrorPage();
        answer.Text.ShouldNotContain("<script>alert");
    }

    [Theory]
    [InlineData("oidcc_response_type_missing", "response_type", null, "invalid_request")]
    [InlineData("fapi2 ensure_response_type_token_fails", "response_type", "token", "unsupported_response_type")]
    [InlineData("id_token", "response_type", "id_token", "unsupported_response_type")]
    [InlineData("fapi2 ensure_response_type_code_idtoken_fails", "response_type", "code id_token", "unsupported_response_type")]
    [InlineData("case", "response_type", "Code", "unsupported_response_type")]
    [InlineData("request object", "request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported")]
    [InlineData("request URI", "request_uri", "https://evil.example/request", "request_uri_not_supported")]
    [InlineData("scope", "scope", "openid \"quoted\"", "invalid_scope")]
    [InlineData("prompt", "prompt", "maybe", "invalid_request")]
    [InlineData("prompt none and more", "prompt", "none login", "invalid_request")]
    [InlineData("max_age", "max_age", "-1", "invalid_request")]
    [InlineData("max_age text", "max_age", "soon", "invalid_request")]
    [InlineData("max_age huge", "max_age", "99999999999999999999", "invalid_request")]
    [InlineData("organization", "organization", "org_1", "invalid_request")]
    [InlineData("audience", "audience", "https://unknown.example/", "access_denied")]
    [InlineData("management", "audience", "{issuer}api/v2/", "access_denied")]
    [InlineData("hint", "id_token_hint", "not.a.jwt", "invalid_request")]
    public async Task Any_other_error_goes_back_to_the_client(string name, string parameter, string? value, string error)
    {
        using var browser = await vault.SignedInBrowserAsync();
        var answer = await vault.AuthorizeAsync(vault.Web, browser, (parameter, value?.Replace("{issuer}", vault.Issuer, StringComparison.Ordinal)));

        answer.ShouldRedirectError(error);
        name.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("plain", OAuthVault.Verifier)]
    [InlineData(null, OAuthVault.Verifier)]
    [InlineData("S256", null)]
    [InlineData("s256", OAuthVault.Verifier)]
    [InlineData("S512", OAuthVault.Verifier)]
    [InlineData("S256", "too-short")]
    [InlineData("S256", "=============================================")]
    public async Task T_CF_04_Only_S256_is_PKCE_par_plain_pkce_rejected(string? method, string? challenge)
    {
        foreach (var client in (Application[])[vault.Web, vault.Spa])
        {
            var answer = await vault.AuthorizeAsync(client, null, ("code_challenge_method", method), ("code_challenge", challenge));
            answer.ShouldRedirectError("invalid_request");
        }
    }

    [Fact]
    public async Task T_CF_04_A_public_client_must_use_PKCE()
    {
        using var browser = await vault.SignedInBrowserAsync();

        (await vault.AuthorizeAsync(vault.Spa, browser, ("code_challenge", null), ("code_challenge_method", null))).ShouldRedirectError("invalid_request");
    }

    [Fact]
    public async Task A_client_without_the_grant_may_not()
    {
        var client = await vault.ClientAsync("Machine", new JsonObject { ["grant_types"] = new JsonArray(Wire.ClientCredentials) });

        (await vault.AuthorizeAsync(client, null)).ShouldRedirectError("unauthorized_client");
    }

    [Fact]
    public async Task Errors_come_in_the_response_mode_that_was_asked_for()
    {
        var fragment = await vault.AuthorizeAsync(vault.Web, null, ("prompt", "none"), ("response_mode", "fragment"));
        fragment.Headers.Location!.OriginalString.ShouldStartWith(Operator.Callback + "#error=login_required&");

        var form = await vault.AuthorizeAsync(vault.Web, null, ("prompt", "none"), ("response_mode", "form_post"));
        form.Text.ShouldContain("name=\"error\" value=\"login_required\"");

        (await vault.AuthorizeAsync(vault.Web, null, ("response_mode", "telepathy"))).ShouldBeErrorPage();
    }

    [Theory]
    [InlineData("&state=again")]
    [InlineData("&redirect_uri=https%3A%2F%2Fevil.example%2F")]
    [InlineData("&client_id=other")]
    [InlineData("&scope=openid")]
    [InlineData("&st%61te=again")]
    [InlineData("&anything=1&anything=2")]
    [InlineData("&nonce=%00")]
    [InlineData("&anything=a%00b")]
    public async Task T_ST_12_A_repeated_parameter_or_a_NUL_is_answered_here(string more) =>
        (await vault.SendAsync(new HttpRequestMessage(HttpMethod.Get, vault.AuthorizeUrl(vault.Web) + more))).ShouldBeErrorPage();

    [Fact]
    public async Task More_parameters_than_anybody_needs_are_refused()
    {
        var more = string.Concat(Enumerable.Range(0, 300).Select(i => $"&p{i}=1"));

        (await vault.SendAsync(new HttpRequestMessage(HttpMethod.Get, vault.AuthorizeUrl(vault.Web) + more))).ShouldBeErrorPage();
    }

    [Theory]
    [InlineData(1_000, true)]
    [InlineData(3_500, true)]
    [InlineData(4_500, false)]
    [InlineData(6_500, false)]
    public async Task A_long_request_works_through_the_pages_or_is_refused_at_once(int length, bool works)
    {
        using var browser = vault.Server.NewBrowser();
        var state = string.Concat(Enumerable.Repeat("+ &", length / 3));
        var visit = await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("state", state[..(length / 3)])));
        visit.Status.ShouldBe(works ? 200 : 400);
        if (!works)
        {
            visit.Html.ShouldContain("role=\"alert\"");
            return;
        }

        var back = await browser.SubmitAsync(
            visit, new Dictionary<string, string> { ["username"] = OAuthVault.Email, ["password"] = OAuthVault.Password }, Operator.Callback);
        back["state"].ShouldBe(state[..(length / 3)]);
    }

    [Fact]
    public async Task A_form_that_no_address_could_carry_is_refused_at_once()
    {
        var query = new Uri(vault.AuthorizeUrl(vault.Web, ("nonce", new string('n', 20_000)))).Query[1..];

        (await vault.PostAsync("authorize", query)).ShouldBeErrorPage();
        (await vault.PostAsync("authorize", new string('x', 40_000))).ShouldBeErrorPage(413);
        (await vault.PostAsync("authorize", query, "text/plain")).ShouldBeErrorPage();
    }
}
