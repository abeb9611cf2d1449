using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Conformance;

/// <summary>OpenID Connect RP-Initiated Logout: the user signs in, then the browser comes to the end_session_endpoint.</summary>
[Collection(ConformanceModules.Name)]
[Plan("oidcc-rp-initiated-logout-certification-test-plan")]
public sealed class LogoutTests(ConformanceScene scene)
{
    [Module("oidcc-rp-initiated-logout-discovery-endpoint-verification")]
    public async Task oidcc_rp_initiated_logout_discovery_endpoint_verification() =>
        new Uri((string)(await scene.MetadataAsync())["end_session_endpoint"]!).Scheme.ShouldBe("https");

    [Module("oidcc-rp-initiated-logout")]
    public Task oidcc_rp_initiated_logout() => GoesBackAsync("the-state");

    [Module("oidcc-rp-initiated-logout-no-state")]
    public Task oidcc_rp_initiated_logout_no_state() => GoesBackAsync(state: null);

    [Module("oidcc-rp-initiated-logout-no-params")]
    public Task oidcc_rp_initiated_logout_no_params() => SaysSoAsync(_ => []);

    [Module("oidcc-rp-initiated-logout-only-state")]
    public Task oidcc_rp_initiated_logout_only_state() => SaysSoAsync(_ => [("state", "the-state")]);

    [Module("oidcc-rp-initiated-logout-no-post-logout-redirect-uri")]
    public Task oidcc_rp_initiated_logout_no_post_logout_redirect_uri() => SaysSoAsync(hint => [("id_token_hint", hint), ("state", "the-state")]);

    [Module("oidcc-rp-initiated-logout-no-id-token-hint")]
    public Task oidcc_rp_initiated_logout_no_id_token_hint() => StaysAsync(_ => [("post_logout_redirect_uri", ConformanceScene.Allowed)]);

    [Module("oidcc-rp-initiated-logout-bad-post-logout-redirect-uri")]
    public Task oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() =>
        StaysAsync(hint => [("id_token_hint", hint), ("post_logout_redirect_uri", ConformanceScene.Allowed + "random-path")]);

    [Module("oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri")]
    public Task oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() =>
        StaysAsync(hint => [("id_token_hint", hint), ("post_logout_redirect_uri", ConformanceScene.Allowed + "?foo=bar")]);

    [Module("oidcc-rp-initiated-logout-modified-id-token-hint")]
    public Task oidcc_rp_initiated_logout_modified_id_token_hint() => StaysAsync(hint =>
        [("id_token_hint", $"{WorkerKey.Encode("""{"alg":"none"}""")}.{hint.Split('.')[1]}."), ("post_logout_redirect_uri", ConformanceScene.Allowed)]);

    [Module("oidcc-rp-initiated-logout-bad-id-token-hint")]
    public Task oidcc_rp_initiated_logout_bad_id_token_hint() => StaysAsync(hint =>
    {
        var forged = WorkerKey.Create("RS256").Sign(Answers.JoseHeader(hint), Answers.Claims(hint));
        return [("id_token_hint", forged), ("post_logout_redirect_uri", ConformanceScene.Allowed)];
    });

    /// <summary>The user is signed out, and the browser comes back to the client.</summary>
    private async Task GoesBackAsync(string? state)
    {
        using var browser = scene.Vault.Server.NewBrowser();
        var (_, tokens) = await scene.SignInFlowAsync(browser);
        (string, string)[] request = [("id_token_hint", tokens["id_token"]!), ("post_logout_redirect_uri", ConformanceScene.Allowed)];
        var answer = await LogOutAsync(browser, state is null ? request : [.. request, ("state", state)]);
        answer.Status.ShouldBe(302, answer.Text);
        answer.Headers.Location!.OriginalString.ShouldBe(ConformanceScene.Allowed + (state is null ? "" : "?state=" + state));
        (await scene.Vault.AuthorizeAsync(scene.Basic, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    /// <summary>The user is signed out, and a page says so.</summary>
    private async Task SaysSoAsync(Func<string, (string, string)[]> request)
    {
        using var browser = scene.Vault.Server.NewBrowser();
        var (_, tokens) = await scene.SignInFlowAsync(browser);
        var answer = await LogOutAsync(browser, request(tokens["id_token"]!));
        answer.Status.ShouldBe(200, answer.Text);
        answer.Text.ShouldContain("Signed out");
        (await scene.Vault.AuthorizeAsync(scene.Basic, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    /// <summary>The browser is sent nowhere, and a page says what is wrong.</summary>
    private async Task StaysAsync(Func<string, (string, string)[]> request)
    {
        using var browser = scene.Vault.Server.NewBrowser();
        var (_, tokens) = await scene.SignInFlowAsync(browser);
        (await LogOutAsync(browser, request(tokens["id_token"]!))).ShouldBeErrorPage();
    }

    private Task<Answer> LogOutAsync(Browser browser, (string Name, string Value)[] request) =>
        scene.Vault.GetAsync("oidc/logout?" + string.Join('&', request.Select(field => $"{field.Name}={Uri.EscapeDataString(field.Value)}")), browser: browser);
}
