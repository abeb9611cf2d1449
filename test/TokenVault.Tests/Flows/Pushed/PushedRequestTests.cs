using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.OAuth.Pushed;
using TokenVault.Server.Storage;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Pushed;

/// <summary>Pushed authorization requests (RFC 9126). These tests move the clock.</summary>
public sealed class PushedRequestTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_pushes_its_request_and_the_browser_brings_its_name(bool confidential)
    {
        var client = confidential ? vault.Web : vault.Spa;
        var pushed = await vault.PushAsync(client, ("nonce", "n-1"), ("scope", OAuthVault.AllScopes), ("audience", OAuthVault.Audience));

        pushed.Status.ShouldBe(201, pushed.Text);
        pushed.Header("Content-Type").ShouldBe("application/json");
        pushed.Header("Cache-Control").ShouldBe("no-store");
        pushed["request_uri"]!.ShouldStartWith("urn:ietf:params:oauth:request_uri:");
        ((int)pushed.Json["expires_in"]!).ShouldBe(90);

        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.Url(client, pushed["request_uri"]), Operator.Callback);
        page.ShouldBeSignInPage();
        var back = await browser.SubmitAsync(page, new Dictionary<string, string> { ["username"] = OAuthVault.Email, ["password"] = OAuthVault.Password }, Operator.Callback);
        back["state"].ShouldBe("pushed-state");
        back["iss"].ShouldBe(vault.Issuer);
        var tokens = await vault.RedeemAsync(client, back["code"]!, OAuthVault.Verifier);
        tokens.ShouldBeGranted();
        Answers.Claims(tokens["id_token"])["nonce"]!.ToString().ShouldBe("n-1");
        tokens.ScopesOf().ShouldContain("write:calendar");
    }

    [Fact]
    public async Task It_is_good_once_also_for_many_at_once_par_attempt_reuse_request_uri()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var uri = await vault.PushedUriAsync(vault.Web);
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => vault.ComeAsync(vault.Web, uri, browser)));

        answers.Count(answer => answer.Redirected("code") is not null).ShouldBe(1);
        answers.Count(answer => answer.Status == 400).ShouldBe(11);
        (await vault.ComeAsync(vault.Web, uri, browser)).ShouldBeErrorPage();
    }

    [Fact]
    public async Task It_lives_for_90_seconds_par_attempt_to_use_expired_request_uri()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var (good, late) = (await vault.PushedUriAsync(vault.Web), await vault.PushedUriAsync(vault.Web));
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(89));
        (await vault.ComeAsync(vault.Web, good, browser)).Redirected("code").ShouldNotBeNull();
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(2));
        (await vault.ComeAsync(vault.Web, late, browser)).ShouldBeErrorPage();
    }

    [Fact]
    public async Task Another_client_cannot_bring_it_nor_use_it_up_par_attempt_to_use_request_uri_for_different_client()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var uri = await vault.PushedUriAsync(vault.Web);

        (await vault.ComeAsync(vault.Spa, uri, browser)).ShouldBeErrorPage();
        (await vault.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"{vault.Issuer}authorize?request_uri={Uri.EscapeDataString(uri)}"), browser)).ShouldBeErrorPage();
        (await vault.ComeAsync(vault.Web, uri + "x", browser)).ShouldBeErrorPage();
        (await vault.ComeAsync(vault.Web, uri, browser)).Redirected("code").ShouldNotBeNull();
    }

    /// <summary>RFC 9126 §4: what was pushed counts, and nothing that somebody adds on the way.</summary>
    [Fact]
    public async Task What_the_browser_brings_besides_is_ignored_par_authorization_request_with_other_parameters()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var uri = await vault.PushedUriAsync(vault.Web);
        var answer = await vault.ComeAsync(
            vault.Web, uri, browser,
            ("state", "another"), ("redirect_uri", "https://evil.example/"), ("scope", "openid write:calendar"), ("response_type", "token"),
            ("response_mode", "fragment"), ("prompt", "login"), ("code_challenge", new string('A', 43)));

        answer.Headers.Location!.OriginalString.ShouldStartWith(Operator.Callback + "?");
        answer.Redirected("state").ShouldBe("pushed-state");
        (await vault.RedeemAsync(vault.Web, answer.Redirected("code")!, OAuthVault.Verifier)).ScopesOf().ShouldBe(["openid"]);
    }

    [Fact]
    public async Task It_survives_a_restart_and_the_store_knows_neither_its_name_nor_its_content_T_EN_10()
    {
        var uri = await vault.PushedUriAsync(vault.Web, ("login_hint", "canary-of-the-push@example.com"));
        var name = uri[(uri.LastIndexOf(':') + 1)..];
        var rows = await vault.Server.Storage.ListRowsAsync(PushedRequest.Kind, null, CancellationToken.None);
        rows.ShouldNotBeEmpty();
        foreach (var text in rows.Select(row => row.Id + System.Text.Encoding.UTF8.GetString(row.Body)))
        {
            text.ShouldNotContain(name);
            text.ShouldNotContain("canary-of-the-push");
            text.ShouldNotContain("code_challenge");
        }

        await vault.Server.RestartAsync();
        using var browser = await vault.SignedInBrowserAsync();
        (await vault.ComeAsync(vault.Web, uri, browser)).Redirected("code").ShouldNotBeNull();
    }

    [Fact]
    public async Task A_client_that_has_to_push_is_not_served_otherwise_until_it_has_not_to()
    {
        var body = new JsonObject { ["require_pushed_authorization_requests"] = true };
        var client = await vault.ClientAsync("Pushes only", body);
        ((bool)(await vault.Admin.GetAsync("clients/" + client.Credentials.ClientId)).Json["require_pushed_authorization_requests"]!).ShouldBeTrue();
        using var browser = await vault.SignedInBrowserAsync();

        (await vault.AuthorizeAsync(client, browser)).ShouldRedirectError("invalid_request");
        (await vault.AuthorizeAsync(client, browser, ("prompt", "none"))).ShouldRedirectError("invalid_request");
        (await vault.ComeAsync(client, await vault.PushedUriAsync(client), browser)).Redirected("code").ShouldNotBeNull();

        // The pages on the way are not new requests.
        using var fresh = vault.Server.NewBrowser();
        var page = await fresh.GoAsync(vault.Url(client, await vault.PushedUriAsync(client)), Operator.Callback);
        (await fresh.SubmitAsync(page, new Dictionary<string, string> { ["username"] = OAuthVault.Email, ["password"] = OAuthVault.Password }, Operator.Callback))["code"].ShouldNotBeNull();

        (await vault.Admin.PatchAsync("clients/" + client.Credentials.ClientId, new JsonObject { ["require_pushed_authorization_requests"] = false })).Status.ShouldBe(200);
        (await vault.AuthorizeAsync(client, browser)).Redirected("code").ShouldNotBeNull();
    }

    [Fact]
    public async Task A_form_brings_it_as_well()
    {
        var uri = await vault.PushedUriAsync(vault.Web, ("prompt", "none"));
        var answer = await vault.PostAsync("authorize", $"client_id={vault.Web.Credentials.ClientId}&request_uri={Uri.EscapeDataString(uri)}");
        answer.Redirected("error").ShouldBe("login_required");
        answer.Redirected("state").ShouldBe("pushed-state");
    }

    [Fact]
    public async Task Discovery_names_the_endpoint()
    {
        var metadata = await vault.GetAsync(".well-known/openid-configuration");
        metadata["pushed_authorization_request_endpoint"].ShouldBe(vault.Issuer + "oauth/par");
        ((bool)metadata.Json["require_pushed_authorization_requests"]!).ShouldBeFalse();
    }
}
