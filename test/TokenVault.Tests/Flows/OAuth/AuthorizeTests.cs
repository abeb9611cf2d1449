using System.Net;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>The authorization endpoint, when all goes well.</summary>
public sealed class AuthorizeTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task A_code_with_PKCE_gives_tokens_oidcc_ensure_request_with_valid_pkce_succeeds()
    {
        using var browser = vault.Server.NewBrowser();
        var (visit, verifier) = await vault.Web.AuthorizeAsync(
            browser, OAuthVault.Email, OAuthVault.Password, OAuthVault.Audience, OAuthVault.AllScopes, [new("state", "s~1/ä&="), new("nonce", "n-1")]);
        visit["state"].ShouldBe("s~1/ä&=");

        var answer = await vault.RedeemAsync(vault.Web, visit["code"]!, verifier);

        answer.ShouldBeGranted();
        answer.ScopesOf().ShouldBe(OAuthVault.AllScopes.Split(' '), ignoreOrder: true);
        var id = await vault.VerifiedClaimsAsync(answer["id_token"]);
        ((string?)id["iss"]).ShouldBe(vault.Issuer);
        ((string?)id["aud"]).ShouldBe(vault.Web.Credentials.ClientId);
        ((string?)id["sub"]).ShouldBe(vault.UserId);
        ((string?)id["nonce"]).ShouldBe("n-1");
        ((string?)id["email"]).ShouldBe(OAuthVault.Email);
        ((string?)id["sid"]).ShouldNotBeNullOrEmpty();
        id["auth_time"]!.GetValue<long>().ShouldBe(vault.Server.Clock.GetUtcNow().ToUnixTimeSeconds());
        id["exp"]!.GetValue<long>().ShouldBeGreaterThan(id["iat"]!.GetValue<long>());
        var access = await vault.VerifiedClaimsAsync(answer["access_token"]);
        access["aud"]!.AsArray().Select(a => (string?)a).ShouldBe([OAuthVault.Audience, vault.Issuer + "userinfo"]);
        ((string?)access["azp"]).ShouldBe(vault.Web.Credentials.ClientId);
        ((string?)access["sub"]).ShouldBe(vault.UserId);
    }

    [Fact]
    public async Task Without_a_nonce_the_id_token_has_none_oidcc_ensure_request_without_nonce_succeeds_for_code_flow()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var authorized = await vault.AuthorizeAsync(vault.Web, browser, ("nonce", null));
        var answer = await vault.RedeemAsync(vault.Web, authorized.Redirected("code")!, OAuthVault.Verifier);

        Answers.Claims(answer["id_token"]).ContainsKey("nonce").ShouldBeFalse();
    }

    [Fact]
    public async Task A_confidential_client_may_do_without_PKCE()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var authorized = await vault.AuthorizeAsync(vault.Web, browser, ("code_challenge", null), ("code_challenge_method", null));

        (await vault.RedeemAsync(vault.Web, authorized.Redirected("code")!, verifier: null)).ShouldBeGranted();
    }

    [Fact]
    public async Task Without_an_audience_the_access_token_is_for_userinfo_only()
    {
        var answer = await vault.SignInAsync(vault.Web, "openid read:calendar", audience: null);

        var access = await vault.VerifiedClaimsAsync(answer["access_token"]);
        ((string?)access["aud"]).ShouldBe(vault.Issuer + "userinfo");
        answer["scope"].ShouldBe("openid");
    }

    [Fact]
    public async Task Without_openid_there_is_no_id_token()
    {
        var answer = await vault.SignInAsync(vault.Web, "read:calendar");

        answer.Json.AsObject().ContainsKey("id_token").ShouldBeFalse();
        answer.Json.AsObject().ContainsKey("refresh_token").ShouldBeFalse();
        ((string?)Answers.Claims(answer["access_token"])["aud"]).ShouldBe(OAuthVault.Audience);
    }

    [Fact]
    public async Task A_session_spares_the_next_client_the_sign_in()
    {
        using var browser = await vault.SignedInBrowserAsync();

        (await vault.AuthorizeAsync(vault.Spa, browser)).Redirected("code").ShouldNotBeNull();
        (await vault.AuthorizeAsync(vault.Spa, browser, ("prompt", "none"))).Redirected("code").ShouldNotBeNull();
    }

    [Fact]
    public async Task The_login_hint_is_filled_in()
    {
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web, ("login_hint", "grace@example.com")));

        page.ShouldBeSignInPage();
        page.Html.ShouldContain("value=\"grace@example.com\"");
    }

    [Fact]
    public async Task The_users_database_may_be_named_as_the_connection()
    {
        using var browser = await vault.SignedInBrowserAsync();

        (await vault.AuthorizeAsync(vault.Web, browser, ("connection", "Username-Password-Authentication"))).Redirected("code").ShouldNotBeNull();
        (await vault.AuthorizeAsync(vault.Web, browser, ("connection", "no-such-connection"))).ShouldRedirectError("invalid_request");
    }

    [Fact]
    public async Task The_request_may_come_as_a_form_oidcc_server_post_authorization_request()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var query = new Uri(vault.AuthorizeUrl(vault.Web)).Query[1..];
        var request = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + "authorize")
        {
            Content = new StringContent(query, new System.Net.Http.Headers.MediaTypeHeaderValue("application/x-www-form-urlencoded")),
        };

        var answer = await vault.SendAsync(request, browser);

        answer.Redirected("code").ShouldNotBeNull();
        answer.Redirected("state").ShouldBe("the-state");
    }

    [Theory]
    [InlineData("query", "?")]
    [InlineData("fragment", "#")]
    public async Task The_answer_goes_into_the_query_or_the_fragment(string mode, string separator)
    {
        using var browser = await vault.SignedInBrowserAsync();
        var answer = await vault.AuthorizeAsync(vault.Web, browser, ("response_mode", mode));

        answer.Status.ShouldBe(302);
        answer.Header("Cache-Control").ShouldBe("no-store");
        answer.Headers.Location!.OriginalString.ShouldStartWith($"{Operator.Callback}{separator}code=");
        answer.Headers.Location.OriginalString.ShouldEndWith("&state=the-state");
    }

    [Fact]
    public async Task The_answer_goes_into_a_form_that_posts_itself()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var answer = await vault.AuthorizeAsync(vault.Web, browser, ("response_mode", "form_post"), ("state", "\"><script>alert(1)</script>"));

        answer.Status.ShouldBe(200);
        answer.Headers.Location.ShouldBeNull();
        answer.Text.ShouldContain($"<form method=\"post\" action=\"{Operator.Callback}\">");
        answer.Text.ShouldContain("name=\"code\"");
        answer.Text.ShouldNotContain("<script>alert");
        answer.Header("Content-Security-Policy")!.ShouldContain("form-action 'self' https://app.example;");
        answer.Header("Content-Security-Policy")!.ShouldContain("frame-ancestors 'none'");
    }

    [Fact]
    public async Task The_answer_is_a_message_to_the_registered_origin_only()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var answer = await vault.AuthorizeAsync(vault.Spa, browser, ("response_mode", "web_message"), ("prompt", "none"), ("state", "a\"b</script>"));

        answer.Status.ShouldBe(200);
        answer.Header("Content-Security-Policy")!.ShouldContain("frame-ancestors https://app.example;");
        answer.Header("X-Frame-Options").ShouldBeNull();
        answer.Text.ShouldContain("data-target=\"https://app.example\"");
        var data = answer.Text.Split("data-response=\"")[1].Split('"')[0];
        var message = JsonNode.Parse(WebUtility.HtmlDecode(data))!;
        ((string?)message["code"]).ShouldNotBeNullOrEmpty();
        ((string?)message["state"]).ShouldBe("a\"b</script>");
    }

    [Fact]
    public async Task Silent_renewal_without_a_session_gets_its_error_as_a_message()
    {
        var answer = await vault.AuthorizeAsync(vault.Spa, browser: null, ("response_mode", "web_message"), ("prompt", "none"));

        answer.Status.ShouldBe(200);
        WebUtility.HtmlDecode(answer.Text).ShouldContain("\"error\":\"login_required\"");
    }

    [Fact]
    public async Task A_client_without_web_origins_gets_no_messages()
    {
        using var browser = await vault.SignedInBrowserAsync();

        (await vault.AuthorizeAsync(vault.Web, browser, ("response_mode", "web_message"))).ShouldBeErrorPage();
    }

    [Fact]
    public async Task What_is_asked_besides_the_known_parameters_does_no_harm_oidcc_ensure_request_with_unknown_parameter_succeeds()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var answer = await vault.AuthorizeAsync(
            vault.Web, browser, ("auth0Client", "eyJuYW1lIjoiYXV0aDAtc3BhLWpzIn0="), ("ui_locales", "de en"), ("acr_values", "x"), ("ext-a", "b"), ("screen_hint", "signup"));

        answer.Redirected("code").ShouldNotBeNull();
    }

    [Fact]
    public async Task The_redirect_uri_may_be_left_out_when_the_client_has_one()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var answer = await vault.AuthorizeAsync(vault.Web, browser, ("redirect_uri", null));

        (await vault.RedeemAsync(vault.Web, answer.Redirected("code")!, OAuthVault.Verifier, redirectUri: null)).ShouldBeGranted();
    }

    [Fact]
    public async Task A_registered_query_is_kept_oidcc_redirect_uri_query_OK()
    {
        const string callback = "https://app.example/callback?tenant=1";
        var client = await vault.ClientAsync("With a query", new JsonObject { ["callbacks"] = new JsonArray(callback) });
        using var browser = await vault.SignedInBrowserAsync();

        var answer = await vault.AuthorizeAsync(client, browser, ("redirect_uri", callback));

        answer.Headers.Location!.OriginalString.ShouldStartWith(callback + "&code=");
    }

    [Fact]
    public async Task An_unknown_scope_is_left_out()
    {
        var answer = await vault.SignInAsync(vault.Web, "openid read:calendar delete:everything");

        answer["scope"].ShouldBe("openid read:calendar");
    }

    [Fact]
    public async Task An_API_that_allows_no_offline_access_gives_no_refresh_token()
    {
        const string api = "https://strict.example/api";
        await vault.CreateApiAsync(api, new JsonObject { ["allow_offline_access"] = false });
        var answer = await vault.SignInAsync(vault.Web, "openid offline_access read:calendar", api);

        answer.Json.AsObject().ContainsKey("refresh_token").ShouldBeFalse();
        answer["scope"].ShouldBe("openid read:calendar");
    }

    [Fact]
    public async Task A_client_without_the_refresh_grant_gets_no_refresh_token()
    {
        var client = await vault.ClientAsync("No refresh", new JsonObject { ["grant_types"] = new JsonArray(Wire.AuthorizationCode) });
        var answer = await vault.SignInAsync(client);

        answer.Json.AsObject().ContainsKey("refresh_token").ShouldBeFalse();
        answer.ScopesOf().ShouldNotContain("offline_access");
    }
}
