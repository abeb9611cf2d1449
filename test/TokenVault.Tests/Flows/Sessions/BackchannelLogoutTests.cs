using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Server.Demo;
using TokenVault.Server.OAuth.Logout;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Sessions;

/// <summary>Clients are told that sessions end (OpenID Connect Back-Channel Logout 1.0). These tests move the clock.</summary>
public sealed class BackchannelLogoutTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    private const string Event = "http://schemas.openid.net/event/backchannel-logout";

    [Fact]
    public async Task Who_took_part_is_told_when_the_user_signs_out_oidcc_backchannel_rp_initiated_logout()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var (first, second) = (await ClientAsync(receiver), await ClientAsync(receiver));
        await ClientAsync(receiver);
        using var browser = await vault.SignedInBrowserAsync();
        var tokens = await vault.SignInAsync(first, "openid", browser: browser);
        await vault.SignInAsync(second, "openid", browser: browser);
        await vault.SignInAsync(await vault.ClientAsync("Not to be told"), "openid", browser: browser);

        (await vault.GetAsync("oidc/logout?id_token_hint=" + tokens["id_token"], browser: browser)).Status.ShouldBe(200);
        await VaultScene.UntilAsync(() => Task.FromResult(receiver.Accepted.Count == 2));

        var told = new List<string?>();
        foreach (var delivery in receiver.Accepted)
        {
            delivery.Headers.ContentType.ToString().ShouldBe("application/x-www-form-urlencoded");
            var token = TokenOf(delivery);
            var header = Answers.JoseHeader(token);
            ((string?)header["typ"], (string?)header["alg"]).ShouldBe(("logout+jwt", "RS256"));
            var claims = await vault.VerifiedClaimsAsync(token);
            ((string?)claims["iss"], (string?)claims["sub"]).ShouldBe((vault.Issuer, vault.UserId));
            ((string?)claims["sid"]).ShouldBe((string?)Answers.Claims(tokens["id_token"])["sid"]);
            claims["events"]!.ToJsonString().ShouldBe($$$"""{"{{{Event}}}":{}}""");
            claims.ContainsKey("nonce").ShouldBeFalse();
            ((string?)claims["jti"]).ShouldNotBeNullOrEmpty();
            (claims["exp"]!.GetValue<long>() - claims["iat"]!.GetValue<long>()).ShouldBeLessThanOrEqualTo(120);
            told.Add((string?)claims["aud"]);
        }

        told.ShouldBe([first.Credentials.ClientId, second.Credentials.ClientId], ignoreOrder: true);
        await VaultScene.UntilAsync(async () => await PendingAsync() == 0);
        (await AuditAsync("oidc_backchannel_logout_succeeded", first)).ShouldBe(1);
    }

    [Theory]
    [InlineData("logout", "rp-logout")]
    [InlineData("delete-session", "session-revoked")]
    [InlineData("revoke-session", "session-revoked")]
    [InlineData("delete-sessions", "session-revoked")]
    [InlineData("password", "password-changed")]
    [InlineData("block", "account-deactivated")]
    [InlineData("delete-user", "account-deleted")]
    public async Task Each_end_of_a_session_is_told_to_those_who_chose_it(string act, string cause)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await vault.RenewAdminAsync();
        var chosen = await ClientAsync(receiver, new JsonObject { ["mode"] = "custom", ["selected_initiators"] = new JsonArray(cause) });
        var all = await ClientAsync(receiver, new JsonObject { ["mode"] = "all" });
        var others = await ClientAsync(receiver, new JsonObject { ["mode"] = "custom", ["selected_initiators"] = new JsonArray("idp-logout") });
        var email = $"{act}@example.com";
        var user = await vault.Admin.CreateUserAsync(email, OAuthVault.Password);
        using var browser = await vault.SignedInBrowserAsync(email);
        foreach (var client in (Application[])[chosen, all, others])
        {
            (await vault.AuthorizeAsync(client, browser, ("prompt", "none"))).Redirected("code").ShouldNotBeNull();
        }

        await ActAsync(act, user, browser);
        var expected = cause == "rp-logout" ? 3 : 2;
        await VaultScene.UntilAsync(async () => await PendingAsync() == 0 && receiver.Accepted.Count >= expected);

        var told = receiver.Accepted.Select(delivery => (string?)Answers.Claims(TokenOf(delivery))["aud"]).ToList();
        told.Count.ShouldBe(expected);
        told.ShouldContain(chosen.Credentials.ClientId);
        told.ShouldContain(all.Credentials.ClientId);
        receiver.Accepted.ShouldAllBe(delivery => (string?)Answers.Claims(TokenOf(delivery))["sub"]! == user);
        (await vault.AuthorizeAsync(vault.Web, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    [Fact]
    public async Task A_client_that_is_away_delays_nobody_and_is_told_later_also_after_a_restart()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Status = 503;
        var client = await ClientAsync(receiver);
        await SignInAndOutAsync(client);
        await VaultScene.UntilAsync(() => Task.FromResult(receiver.Calls == 1));
        await vault.Server.RestartAsync();

        receiver.Status = 200;
        await VaultScene.UntilAsync(() => Task.FromResult(receiver.Accepted.Count > 0), () => vault.Server.Clock.Jump(TimeSpan.FromSeconds(10)));
        await VaultScene.UntilAsync(async () => await PendingAsync() == 0);
        receiver.Accepted.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_client_that_refuses_is_not_asked_again_and_one_that_never_answers_not_for_ever()
    {
        await using var refusing = await WebhookReceiver.StartAsync();
        await using var away = await WebhookReceiver.StartAsync();
        (refusing.Status, away.Status) = (400, 500);
        var (no, never) = (await ClientAsync(refusing), await ClientAsync(away));
        await SignInAndOutAsync(no);
        await SignInAndOutAsync(never);

        await VaultScene.UntilAsync(async () => await PendingAsync() == 0, () => vault.Server.Clock.Jump(TimeSpan.FromMinutes(2)));
        refusing.Calls.ShouldBe(1);
        away.Calls.ShouldBeInRange(3, 20);
        (await AuditAsync("oidc_backchannel_logout_failed", no)).ShouldBe(1);
        (await AuditAsync("oidc_backchannel_logout_failed", never)).ShouldBe(1);
        await vault.RenewAdminAsync();
    }

    [Fact]
    public async Task T_UP_10_No_logout_calls_an_address_inside()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var client = await ClientAsync(receiver, url: "https://10.0.0.1/logout");
        await SignInAndOutAsync(client);
        await VaultScene.UntilAsync(async () => await PendingAsync() == 0, () => vault.Server.Clock.Jump(TimeSpan.FromMinutes(5)));
        (await AuditAsync("oidc_backchannel_logout_failed", client)).ShouldBe(1);
        await vault.RenewAdminAsync();
    }

    [Fact]
    public async Task T_ST_05_A_logout_token_opens_no_door()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var client = await ClientAsync(receiver);
        await SignInAndOutAsync(client);
        await VaultScene.UntilAsync(() => Task.FromResult(receiver.Accepted.Count == 1));
        var token = TokenOf(receiver.Accepted[0]);

        (await vault.GetAsync("userinfo", token)).Status.ShouldBe(401);
        (await vault.GetAsync("me/v1/connected-accounts/accounts", token)).Status.ShouldBe(401);
        (await vault.GetAsync("api/v2/clients", token)).Status.ShouldBe(401);
        (await vault.GetAsync("oidc/logout?id_token_hint=" + token)).Status.ShouldBe(400);
        (await vault.AuthorizeAsync(client, browser: null, ("prompt", "none"), ("id_token_hint", token))).ShouldRedirectError("invalid_request");
        (await vault.RefreshAsync(client, token)).ShouldBeRefused(403, "invalid_grant");
    }

    [Theory]
    [InlineData("""{"backchannel_logout_urls":["http://app.example/logout"]}""")]
    [InlineData("""{"backchannel_logout_urls":["https://app.example/logout#x"]}""")]
    [InlineData("""{"backchannel_logout_urls":["https://app.example/1","https://app.example/2"]}""")]
    [InlineData("""{"backchannel_logout_urls":["https://app.example/1"],"backchannel_logout_initiators":{"mode":"some"}}""")]
    [InlineData("""{"backchannel_logout_urls":["https://app.example/1"],"backchannel_logout_initiators":{"selected_initiators":["session-expired"]}}""")]
    [InlineData("""{"backchannel_logout_session_metadata":{"include":true}}""")]
    public async Task What_this_server_does_not_do_cannot_be_set(string logout) =>
        (await vault.Admin.PatchAsync("clients/" + vault.Spa.Credentials.ClientId, new JsonObject { ["oidc_logout"] = JsonNode.Parse(logout) })).Status.ShouldBe(400);

    [Fact]
    public async Task Discovery_and_the_client_say_so()
    {
        var metadata = (await vault.GetAsync(".well-known/openid-configuration")).Json;
        ((bool)metadata["backchannel_logout_supported"]!).ShouldBeTrue();
        ((bool)metadata["backchannel_logout_session_supported"]!).ShouldBeTrue();
        metadata["frontchannel_logout_supported"].ShouldBeNull();

        var body = """{"backchannel_logout_urls":["https://app.example/out"],"backchannel_logout_initiators":{"mode":"custom","selected_initiators":["rp-logout"]}}""";
        var client = await vault.ClientAsync("Shown", new JsonObject { ["oidc_logout"] = JsonNode.Parse(body) });
        var path = "clients/" + client.Credentials.ClientId;
        (await vault.Admin.GetAsync(path)).Json["oidc_logout"]!.ToJsonString().ShouldBe(body);
        (await vault.Admin.PatchAsync(path, new JsonObject { ["name"] = "Still" })).Json["oidc_logout"]!.ToJsonString().ShouldBe(body);
        (await vault.Admin.PatchAsync(path, new JsonObject { ["oidc_logout"] = null })).Json["oidc_logout"].ShouldBeNull();
    }

    private async Task ActAsync(string act, string user, Browser browser)
    {
        var sessions = (await vault.Admin.GetAsync($"users/{Uri.EscapeDataString(user)}/sessions")).Json["sessions"]!.AsArray();
        var session = "sessions/" + (string)sessions.Single()!["id"]!;
        var path = "users/" + Uri.EscapeDataString(user);
        var status = act switch
        {
            "logout" => (await vault.GetAsync("v2/logout", browser: browser)).Status,
            "delete-session" => (await vault.Admin.DeleteAsync(session)).Status,
            "revoke-session" => (await vault.Admin.PostAsync(session + "/revoke", new JsonObject())).Status,
            "delete-sessions" => (await vault.Admin.DeleteAsync(path + "/sessions")).Status,
            "password" => (await vault.Admin.PatchAsync(path, new JsonObject { ["password"] = "another horse battery" })).Status,
            "block" => (await vault.Admin.PatchAsync(path, new JsonObject { ["blocked"] = true })).Status,
            _ => (await vault.Admin.DeleteAsync(path)).Status,
        };
        status.ShouldBeInRange(200, 204);
    }

    private async Task SignInAndOutAsync(Application client)
    {
        using var browser = await vault.SignedInBrowserAsync();
        await vault.SignInAsync(client, "openid", browser: browser);
        (await vault.GetAsync("v2/logout", browser: browser)).Status.ShouldBe(200);
        (await vault.AuthorizeAsync(client, browser, ("prompt", "none"))).ShouldRedirectError("login_required");
    }

    private Task<Application> ClientAsync(WebhookReceiver receiver, JsonObject? initiators = null, string? url = null)
    {
        var logout = new JsonObject { ["backchannel_logout_urls"] = new JsonArray(url ?? receiver.Address) };
        if (initiators is not null)
        {
            logout["backchannel_logout_initiators"] = initiators;
        }

        return vault.ClientAsync("To be told", new JsonObject { ["oidc_logout"] = logout });
    }

    private static string TokenOf(WebhookDelivery delivery) => QueryHelpers.ParseQuery(delivery.Body)["logout_token"].ToString();

    private async Task<long> PendingAsync() => await vault.Server.Storage.CountAsync(new ListQuery(PendingLogout.Kind), CancellationToken.None);

    private async Task<int> AuditAsync(string type, Application client) =>
        (await vault.Server.Storage.ReadAuditAsync(0, 100_000, CancellationToken.None)).Select(row => JsonNode.Parse(row.Body)!)
            .Count(row => (string?)row["type"] == type && (string?)row["client_id"] == client.Credentials.ClientId);
}
