using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>The authorization code at the token endpoint: once, soon, by its client, with its verifier. These tests move the clock.</summary>
public sealed class AuthorizationCodeTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task A_form_and_JSON_do_the_same_oidcc_server_client_secret_post()
    {
        var (code, verifier) = await vault.CodeAsync(vault.Web);
        var form = await vault.RedeemAsync(vault.Web, code, verifier);
        (code, verifier) = await vault.CodeAsync(vault.Web);
        var json = await vault.Web.RedeemAsync(code, verifier);

        form.ShouldBeGranted();
        json.ShouldBeGranted();
        Members(json).ShouldBe(Members(form));
        Members(form).ShouldBe(["access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"]);
    }

    [Fact]
    public async Task A_public_client_needs_no_secret_and_must_not_send_one()
    {
        var (code, verifier) = await vault.CodeAsync(vault.Spa);
        var withSecret = await vault.TokenAsync(
            vault.Spa, ("client_secret", "guess"), ("grant_type", Wire.AuthorizationCode), ("code", code), ("code_verifier", verifier));
        withSecret.ShouldBeRefused(401, "invalid_client");

        (await vault.RedeemAsync(vault.Spa, code, verifier)).ShouldBeGranted();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    [InlineData(300)]
    public async Task A_code_used_twice_costs_the_first_uses_tokens_oidcc_codereuse_30seconds(int seconds)
    {
        var (code, verifier) = await vault.CodeAsync(vault.Web);
        var first = await vault.RedeemAsync(vault.Web, code, verifier);
        (await vault.RefreshAsync(vault.Web, first["refresh_token"])).ShouldBeGranted();
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(seconds));

        (await vault.RedeemAsync(vault.Web, code, verifier)).ShouldBeRefused(403, "invalid_grant");

        (await vault.RefreshAsync(vault.Web, first["refresh_token"])).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task A_code_used_twice_costs_what_rotation_made_of_it_too_oidcc_codereuse()
    {
        var (code, verifier) = await vault.CodeAsync(vault.Spa);
        var first = await vault.RedeemAsync(vault.Spa, code, verifier);
        var rotated = await vault.RefreshAsync(vault.Spa, first["refresh_token"]);
        rotated.ShouldBeGranted();

        (await vault.RedeemAsync(vault.Spa, code, verifier)).ShouldBeRefused(403, "invalid_grant");

        (await vault.RefreshAsync(vault.Spa, rotated["refresh_token"])).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task A_code_used_twice_costs_tokens_that_are_being_refreshed_at_that_moment()
    {
        for (var round = 0; round < 4; round++)
        {
            var (code, verifier) = await vault.CodeAsync(vault.Spa);
            var last = await vault.RedeemAsync(vault.Spa, code, verifier);
            var refreshing = Task.Run(async () =>
            {
                for (var answer = last; answer.Status == 200; answer = await vault.RefreshAsync(vault.Spa, answer["refresh_token"]))
                {
                    last = answer;
                }
            });

            (await vault.RedeemAsync(vault.Spa, code, verifier)).ShouldBeRefused(403, "invalid_grant");

            // Without an end to the family, the client would go on for ever.
            await refreshing.WaitAsync(TimeSpan.FromSeconds(30));
            (await vault.RefreshAsync(vault.Spa, last["refresh_token"])).ShouldBeRefused(403, "invalid_grant");
        }
    }

    [Fact]
    public async Task Another_client_cannot_end_the_tokens_by_using_the_code_again()
    {
        var (code, verifier) = await vault.CodeAsync(vault.Web);
        var first = await vault.RedeemAsync(vault.Web, code, verifier);

        (await vault.RedeemAsync(vault.Spa, code, verifier)).ShouldBeRefused(403, "invalid_grant");

        (await vault.RefreshAsync(vault.Web, first["refresh_token"])).ShouldBeGranted();
    }

    [Fact]
    public async Task A_code_lives_for_a_minute_fapi2_ensure_token_endpoint_fails_with_expired_auth_code()
    {
        var (inTime, verifier) = await vault.CodeAsync(vault.Web);
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(59));
        (await vault.RedeemAsync(vault.Web, inTime, verifier)).ShouldBeGranted();

        var (late, verifier2) = await vault.CodeAsync(vault.Web);
        vault.Server.Clock.Advance(TimeSpan.FromSeconds(60));
        (await vault.RedeemAsync(vault.Web, late, verifier2)).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task Another_client_cannot_use_the_code_and_does_not_spoil_it()
    {
        var other = await vault.ClientAsync("Other");
        var (code, verifier) = await vault.CodeAsync(vault.Web);

        (await vault.RedeemAsync(other, code, verifier)).ShouldBeRefused(403, "invalid_grant");
        (await vault.RedeemAsync(vault.Web, code, verifier)).ShouldBeGranted();
    }

    [Theory]
    [InlineData("https://app.example/other")]
    [InlineData("https://app.example/callback/")]
    [InlineData("https://app.example/callback?x=1")]
    [InlineData(null)]
    public async Task The_redirect_uri_must_be_the_one_of_the_authorization_request(string? redirectUri)
    {
        var (code, verifier) = await vault.CodeAsync(vault.Web);

        (await vault.RedeemAsync(vault.Web, code, verifier, redirectUri)).ShouldBeRefused(403, "invalid_grant");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl")]
    [InlineData("too-short")]
    [InlineData("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")]
    [InlineData("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk=")]
    [InlineData(" dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")]
    public async Task T_CF_04_A_wrong_or_missing_verifier_is_refused_fapi2_incorrect_pkce_code_verifier_rejected(string? verifier)
    {
        using var browser = await vault.SignedInBrowserAsync();
        foreach (var client in (Application[])[vault.Web, vault.Spa])
        {
            var code = (await vault.AuthorizeAsync(client, browser)).Redirected("code")!;
            (await vault.RedeemAsync(client, code, verifier)).ShouldBeRefused(403, "invalid_grant");
        }
    }

    [Fact]
    public async Task T_CF_04_A_verifier_without_a_challenge_is_refused()
    {
        using var browser = await vault.SignedInBrowserAsync();
        var code = (await vault.AuthorizeAsync(vault.Web, browser, ("code_challenge", null), ("code_challenge_method", null))).Redirected("code")!;

        (await vault.RedeemAsync(vault.Web, code, OAuthVault.Verifier)).ShouldBeRefused(403, "invalid_grant");
    }

    [Theory]
    [InlineData(null, "invalid_request", 400)]
    [InlineData("", "invalid_request", 400)]
    [InlineData("no-such-code", "invalid_grant", 403)]
    [InlineData("' OR '1'='1", "invalid_grant", 403)]
    public async Task A_code_that_is_none_is_refused(string? code, string error, int status) =>
        (await vault.RedeemAsync(vault.Web, code!, OAuthVault.Verifier)).ShouldBeRefused(status, error);

    [Fact]
    public async Task Sixty_four_at_once_get_one_answer_and_the_leak_is_answered()
    {
        var (code, verifier) = await vault.CodeAsync(vault.Web);

        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => vault.RedeemAsync(vault.Web, code, verifier)));

        var granted = answers.Where(answer => answer.Status == 200).ShouldHaveSingleItem();
        answers.Where(answer => answer != granted).ShouldAllBe(answer => answer.Status == 403 && answer["error"] == "invalid_grant");
        (await vault.RefreshAsync(vault.Web, granted["refresh_token"])).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task T_ST_11_A_user_blocked_meanwhile_gets_nothing()
    {
        await vault.RenewAdminAsync();
        var userId = await vault.Admin.CreateUserAsync("short@example.com", OAuthVault.Password);
        using var browser = vault.Server.NewBrowser();
        var (visit, verifier) = await vault.Web.AuthorizeAsync(browser, "short@example.com", OAuthVault.Password, OAuthVault.Audience, "openid");
        await vault.BlockAsync(userId);

        (await vault.RedeemAsync(vault.Web, visit["code"]!, verifier)).ShouldBeRefused(403, "access_denied");
    }

    [Fact]
    public async Task T_ST_11_What_the_client_may_no_longer_have_is_left_out()
    {
        await vault.RenewAdminAsync();
        const string api = "https://shrinking.example/api";
        var created = await vault.CreateApiAsync(api);
        var (code, verifier) = await vault.CodeAsync(vault.Web, "openid read:calendar write:calendar", api);
        var fewer = new JsonObject { ["scopes"] = new JsonArray(new JsonObject { ["value"] = "read:calendar" }) };
        (await vault.Admin.PatchAsync("resource-servers/" + created["id"], fewer)).Status.ShouldBe(200);

        (await vault.RedeemAsync(vault.Web, code, verifier)).ScopesOf().ShouldBe(["openid", "read:calendar"]);
    }

    [Fact]
    public async Task T_ST_11_A_deleted_client_gets_nothing_and_neither_do_its_codes()
    {
        await vault.RenewAdminAsync();
        var client = await vault.ClientAsync("Leaving");
        var (code, verifier) = await vault.CodeAsync(client);
        (await vault.Admin.DeleteAsync("clients/" + client.Credentials.ClientId)).Status.ShouldBe(204);

        (await vault.RedeemAsync(client, code, verifier)).ShouldBeRefused(401, "invalid_client");
    }

    private static List<string> Members(Answer answer) => [.. answer.Json.AsObject().Select(member => member.Key).Order()];
}
