using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Conformance;

/// <summary>OpenID Connect Basic OP: what a request may say.</summary>
[Collection(ConformanceModules.Name)]
[Plan("oidcc-basic-certification-test-plan")]
public sealed class BasicRequestTests(ConformanceScene scene)
{
    private static readonly string UnsignedObject = $"{WorkerKey.Encode("""{"alg":"none"}""")}.{WorkerKey.Encode("""{"state":"of-the-object"}""")}.";

    [Module("oidcc-display-page")]
    public async Task oidcc_display_page() => await scene.FreshFlowAsync(("display", "page"));

    [Module("oidcc-display-popup")]
    public async Task oidcc_display_popup() => await scene.FreshFlowAsync(("display", "popup"));

    [Module("oidcc-ui-locales")]
    public async Task oidcc_ui_locales() => await scene.FreshFlowAsync(("ui_locales", "se"));

    [Module("oidcc-claims-locales")]
    public async Task oidcc_claims_locales() => await scene.FlowAsync(("claims_locales", "se"));

    [Module("oidcc-ensure-request-with-acr-values-succeeds")]
    public async Task oidcc_ensure_request_with_acr_values_succeeds() => await scene.FlowAsync(("acr_values", "1 2"));

    [Module("oidcc-ensure-request-with-unknown-parameter-succeeds")]
    public async Task oidcc_ensure_request_with_unknown_parameter_succeeds() => await scene.FlowAsync(("extra", "foobar"));

    [Module("oidcc-ensure-request-with-valid-pkce-succeeds")]
    public async Task oidcc_ensure_request_with_valid_pkce_succeeds()
    {
        await scene.FlowAsync();
        (await scene.RedeemAsync(await scene.CodeAsync(), new string('x', 43))).ShouldBeInvalidGrant();
    }

    [Module("oidcc-login-hint")]
    public async Task oidcc_login_hint()
    {
        var (page, _) = await scene.FreshFlowAsync(("login_hint", "buffy@example.com"));
        page.Html.ShouldContain("value=\"buffy@example.com\"");
    }

    [Module("oidcc-id-token-hint")]
    public async Task oidcc_id_token_hint()
    {
        var first = await scene.FlowAsync();
        var second = await scene.FlowAsync(("prompt", "none"), ("id_token_hint", first["id_token"]));
        SameSignIn(first, second);
    }

    [Module("oidcc-prompt-login")]
    public async Task oidcc_prompt_login()
    {
        using var browser = scene.Vault.Server.NewBrowser();
        var (_, first) = await scene.SignInFlowAsync(browser);
        scene.Wait(1);
        var (_, second) = await scene.SignInFlowAsync(browser, ("prompt", "login"));
        SignedInAt(second).ShouldBeGreaterThan(SignedInAt(first));
    }

    [Module("oidcc-prompt-none-not-logged-in")]
    public async Task oidcc_prompt_none_not_logged_in() =>
        (await scene.Vault.AuthorizeAsync(scene.Basic, browser: null, ("prompt", "none"))).ShouldRedirectError("login_required");

    [Module("oidcc-prompt-none-logged-in")]
    public async Task oidcc_prompt_none_logged_in() => SameSignIn(await scene.FlowAsync(), await scene.FlowAsync(("prompt", "none")));

    [Module("oidcc-max-age-1")]
    public async Task oidcc_max_age_1()
    {
        using var browser = scene.Vault.Server.NewBrowser();
        var (_, first) = await scene.SignInFlowAsync(browser);
        scene.Wait(2);
        var (_, second) = await scene.SignInFlowAsync(browser, ("max_age", "1"));
        SignedInAt(second).ShouldBeGreaterThan(SignedInAt(first));
        SignedInAt(second).ShouldBe(scene.Vault.Server.Clock.GetUtcNow().ToUnixTimeSeconds());
    }

    [Module("oidcc-max-age-10000")]
    public async Task oidcc_max_age_10000()
    {
        using var browser = scene.Vault.Server.NewBrowser();
        var (_, first) = await scene.SignInFlowAsync(browser);
        scene.Wait(1);
        var answer = await scene.Vault.AuthorizeAsync(scene.Basic, browser, ("max_age", "10000"), ("nonce", "the-nonce"));
        SameSignIn(first, await scene.TokensAsync(answer.Redirected("code").ShouldNotBeNull()));
    }

    [Module("oidcc-ensure-post-request-succeeds")]
    public async Task oidcc_ensure_post_request_succeeds()
    {
        var query = new Uri(scene.Vault.AuthorizeUrl(scene.Basic, ("nonce", "the-nonce"))).Query[1..];
        var request = new HttpRequestMessage(HttpMethod.Post, scene.Issuer + "authorize")
        {
            Content = new StringContent(query, new System.Net.Http.Headers.MediaTypeHeaderValue("application/x-www-form-urlencoded")),
        };
        var answer = await scene.Vault.SendAsync(request, scene.Browser);
        answer.Redirected("state").ShouldBe("the-state");
        await scene.TokensAsync(answer.Redirected("code").ShouldNotBeNull());
    }

    [Module("oidcc-ensure-registered-redirect-uri")]
    public async Task oidcc_ensure_registered_redirect_uri() =>
        (await scene.Vault.AuthorizeAsync(scene.Basic, scene.Browser, ("redirect_uri", Operator.Callback + "/random-path"))).ShouldBeErrorPage();

    [Module("oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported")]
    public async Task oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported() =>
        (await scene.Vault.AuthorizeAsync(scene.Basic, scene.Browser, ("request_uri", "https://app.example/request.jwt"))).ShouldRedirectError("request_uri_not_supported");

    [Module("oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported")]
    public async Task oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported() =>
        (await scene.Vault.AuthorizeAsync(scene.Basic, scene.Browser, ("request", UnsignedObject))).ShouldRedirectError("request_not_supported");

    private static long SignedInAt(Answer tokens) => Answers.Claims(tokens["id_token"])["auth_time"]!.GetValue<long>();

    private static void SameSignIn(Answer first, Answer second)
    {
        var (before, after) = (Answers.Claims(first["id_token"]), Answers.Claims(second["id_token"]));
        ((string?)after["sub"]).ShouldBe((string?)before["sub"]);
        SignedInAt(second).ShouldBe(SignedInAt(first));
    }
}
