using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Approvals;

/// <summary>CIBA, poll mode: from the request over the user's answer to the tokens.</summary>
public sealed class BackchannelTests(ApprovalScene scene) : IClassFixture<ApprovalScene>
{
    private const string Payment = """[{"type":"payment","amount":{"value":"12.50","currency":"EUR"},"creditor":"Books & Co"}]""";

    [Fact]
    public async Task What_was_approved_is_what_is_issued_and_only_once()
    {
        var user = await scene.NewUserAsync();
        var answer = await scene.AskAsync(user.Id, ("authorization_details", Payment));
        answer.Status.ShouldBe(200, answer.Text);
        answer.ContentHeaders.ContentType!.ToString().ShouldBe("application/json");
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();
        ((int)answer.Json["expires_in"]!).ShouldBe(300);
        ((int)answer.Json["interval"]!).ShouldBe(5);
        var asked = new Asked(answer["auth_req_id"]!, answer["approval_uri"]!);
        asked.Uri.ShouldNotContain(asked.Id);

        (await scene.PollAsync(asked.Id, 400, "authorization_pending"))["error_description"].ShouldBe("The end-user authorization is pending");
        await ApprovalScene.ApproveAsync(user.Browser, asked.Uri);

        var tokens = await scene.PollAsync(asked.Id);
        tokens.Status.ShouldBe(200, tokens.Text);
        tokens["token_type"].ShouldBe("Bearer");
        Scope.Parse(tokens["scope"]).ShouldBe(Scope.Parse(ApprovalScene.Scopes), ignoreOrder: true);
        tokens.Json["authorization_details"]!.ToJsonString().ShouldBe(JsonNode.Parse(Payment)!.ToJsonString());
        var access = Claims(tokens["access_token"]!);
        access["authorization_details"]!.ToJsonString().ShouldBe(JsonNode.Parse(Payment)!.ToJsonString());
        ((string?)access["sub"]).ShouldBe(user.Id);
        access["aud"]!.AsArray().Select(aud => (string?)aud).ShouldContain(VaultScene.Api);
        var id = Claims(tokens["id_token"]!);
        ((string?)id["sub"]).ShouldBe(user.Id);
        ((string?)id["aud"]).ShouldBe(scene.App.Credentials.ClientId);
        id["amr"]!.AsArray().Select(method => (string?)method).ShouldBe(["pwd"]);

        await scene.PollAsync(asked.Id, 400, "invalid_grant");
        var refreshed = await scene.App.RefreshAsync(tokens["refresh_token"]!, VaultScene.Api);
        refreshed.Status.ShouldBe(200, refreshed.Text);
        foreach (var type in (string[])["ciba_start_succeeded", "approval_granted", "ciba_exchange_succeeded"])
        {
            var row = (await scene.AuditAsync(type, user.Id)).ShouldHaveSingleItem();
            ((string?)row["client_id"]).ShouldBe(scene.App.Credentials.ClientId);
            ((string?)row["details"]!["binding_message"]).ShouldBe("Order 17: 2 books");
        }
    }

    [Fact]
    public async Task A_client_that_polls_too_fast_is_told_how_long_to_wait_and_gets_its_tokens_all_the_same()
    {
        var user = await scene.NewUserAsync();
        var asked = await scene.AskedAsync(user.Id);
        await scene.PollAsync(asked.Id, 400, "authorization_pending");

        var slower = await scene.PollAsync(asked.Id, 400, "slow_down");
        slower.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(10));
        ((int)slower.Json["interval"]!).ShouldBe(10);
        slower["error_description"].ShouldBe("You are polling faster than allowed. Try again in 10 seconds.");
        scene.Clock.Advance(TimeSpan.FromSeconds(6));
        ((int)(await scene.PollAsync(asked.Id, 400, "slow_down")).Json["interval"]!).ShouldBe(15);
        scene.Clock.Advance(TimeSpan.FromSeconds(15));
        await scene.PollAsync(asked.Id, 400, "authorization_pending");

        await ApprovalScene.ApproveAsync(user.Browser, asked.Uri);
        (await scene.PollAsync(asked.Id)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_denied_request_and_one_that_nobody_answered_give_nothing()
    {
        var user = await scene.NewUserAsync();
        var denied = await scene.AskedAsync(user.Id);
        await ApprovalScene.DenyAsync(user.Browser, denied.Uri);
        (await scene.PollAsync(denied.Id, 400, "access_denied"))["error_description"].ShouldBe("The end-user denied the authorization request or it has been expired");
        await scene.PollAsync(denied.Id, 400, "access_denied");

        var (late, approvedLate) = (await scene.AskedAsync(user.Id, ("requested_expiry", "60")), await scene.AskedAsync(user.Id, ("request_expiry", "60")));
        await ApprovalScene.ApproveAsync(user.Browser, approvedLate.Uri);
        scene.Clock.Advance(TimeSpan.FromSeconds(60));
        await scene.PollAsync(late.Id, 400, "expired_token");
        await scene.PollAsync(approvedLate.Id, 400, "expired_token");
        (await user.Browser.GoAsync(late.Uri)).Html.ShouldNotContain("value=\"allow\"");
        scene.Clock.Advance(TimeSpan.FromHours(1));
        await scene.PollAsync(late.Id, 400, "invalid_grant");
        (await scene.AuditAsync("approval_denied", user.Id)).ShouldHaveSingleItem();
        (await scene.AuditAsync("ciba_exchange_failed")).ShouldNotBeEmpty();
    }

    /// <summary>CIBA Core §13 and RFC 9396 §5. <c>invalid_request</c> means to published clients that the user cannot be reached: it is the last resort.</summary>
    [Theory]
    [InlineData("scope", null, 400, "invalid_scope")]
    [InlineData("scope", "read:calendar", 400, "invalid_scope")]
    [InlineData("scope", "openid \"quoted\"", 400, "invalid_scope")]
    [InlineData("login_hint", null, 400, "unknown_user_id")]
    [InlineData("login_hint", "ada@example.com", 400, "unknown_user_id")]
    [InlineData("login_hint", "[]", 400, "unknown_user_id")]
    [InlineData("login_hint", """{"format":"iss_sub","iss":"https://elsewhere.example/","sub":"$user"}""", 400, "unknown_user_id")]
    [InlineData("login_hint", """{"format":"email","iss":"$issuer","sub":"$user"}""", 400, "unknown_user_id")]
    [InlineData("login_hint", """{"format":"iss_sub","iss":"$issuer","sub":"auth0|nobody"}""", 400, "unknown_user_id")]
    [InlineData("login_hint", """{"format":"iss_sub","iss":"$issuer","sub":"$user","sub":"$user"}""", 400, "unknown_user_id")]
    [InlineData("login_hint", """{"format":"iss_sub","iss":"$issuer","sub":7}""", 400, "unknown_user_id")]
    [InlineData("login_hint_token", "x", 400, "unknown_user_id")]
    [InlineData("id_token_hint", "x", 400, "unknown_user_id")]
    [InlineData("binding_message", "<b>now</b>", 400, "invalid_binding_message")]
    [InlineData("binding_message", "line\nbreak", 400, "invalid_binding_message")]
    [InlineData("binding_message", "12345678901234567890123456789012345678901234567890123456789012345", 400, "invalid_binding_message")]
    [InlineData("authorization_details", "{}", 400, "invalid_authorization_details")]
    [InlineData("authorization_details", "[]", 400, "invalid_authorization_details")]
    [InlineData("authorization_details", "[{\"amount\":1}]", 400, "invalid_authorization_details")]
    [InlineData("authorization_details", "[{\"type\":\"\"}]", 400, "invalid_authorization_details")]
    [InlineData("authorization_details", "[{\"type\":\"a\",\"type\":\"b\"}]", 400, "invalid_authorization_details")]
    [InlineData("authorization_details", "[{\"type\":\"a\"", 400, "invalid_authorization_details")]
    [InlineData("requested_expiry", "0", 400, "invalid_request")]
    [InlineData("requested_expiry", "259201", 400, "invalid_request")]
    [InlineData("requested_expiry", "soon", 400, "invalid_request")]
    [InlineData("request", "eyJ.e.s", 400, "invalid_request")]
    [InlineData("audience", "https://nobody.example/", 403, "access_denied")]
    [InlineData("client_secret", "wrong", 401, "invalid_client")]
    [InlineData("client_secret", null, 401, "invalid_client")]
    public async Task A_request_that_cannot_be_served_is_refused_with_its_own_code(string name, string? value, int status, string error)
    {
        var text = value?.Replace("$issuer", scene.Vault.Issuer, StringComparison.Ordinal).Replace("$user", scene.User.Id, StringComparison.Ordinal);
        var answer = await scene.AskAsync(scene.User.Id, (name, text));
        answer.Status.ShouldBe(status, answer.Text);
        answer["error"].ShouldBe(error);
        answer["error_description"].ShouldNotBeNullOrEmpty();
        answer.ContentHeaders.ContentType!.ToString().ShouldBe("application/json");
        answer.Headers.WwwAuthenticate.ShouldBeEmpty();
        (await scene.AuditAsync("ciba_start_failed")).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_hint_with_spaces_and_an_empty_audience_are_what_published_clients_send()
    {
        var spaced = $$"""{ "format": "iss_sub", "iss": "{{scene.Vault.Issuer}}", "sub": "{{scene.User.Id}}" }""";
        var asked = await scene.AskedAsync(scene.User.Id, ("login_hint", spaced), ("audience", ""), ("binding_message", ""), ("scope", "openid"));
        var page = await scene.User.Browser.GoAsync(asked.Uri);
        page.Html.ShouldContain("Know who you are");
        page.Html.ShouldNotContain("id=\"message\"");
        await ApprovalScene.ApproveAsync(scene.User.Browser, asked.Uri);
        var tokens = await scene.PollAsync(asked.Id);
        tokens.Status.ShouldBe(200, tokens.Text);
        tokens["refresh_token"].ShouldBeNull();
    }

    [Fact]
    public async Task Public_clients_and_those_without_the_grant_may_not_ask_nor_may_another_client_poll()
    {
        var admin = await scene.AdminAsync();
        var other = await admin.CreateApplicationAsync("Other");
        foreach (var (path, status) in new[] { (ApprovalScene.Backchannel, 400), ("oauth/token", 403) })
        {
            var form = scene.Form(scene.User.Id, ("client_id", other.ClientId), ("client_secret", other.ClientSecret), ("grant_type", Wire.Ciba), ("auth_req_id", "x"));
            var answer = await scene.Vault.Api.FormAsync(path, form);
            answer.Status.ShouldBe(status, answer.Text);
            answer["error"].ShouldBe("unauthorized_client");
        }

        var open = await admin.CreateApplicationAsync("Public", new JsonObject { ["token_endpoint_auth_method"] = "none", ["app_type"] = "spa", ["grant_types"] = new JsonArray(Wire.Ciba) });
        var refused = await scene.AskAsync(scene.User.Id, ("client_id", open.ClientId), ("client_secret", null));
        refused.Status.ShouldBe(400, refused.Text);
        refused["error"].ShouldBe("unauthorized_client");

        var second = await admin.CreateApplicationAsync("Second", new JsonObject { ["grant_types"] = new JsonArray(Wire.Ciba) });
        var asked = await scene.AskedAsync(scene.User.Id);
        await ApprovalScene.ApproveAsync(scene.User.Browser, asked.Uri);
        var poll = scene.PollForm(asked.Id);
        (poll["client_id"], poll["client_secret"]) = (second.ClientId, second.ClientSecret);
        (await scene.Vault.Api.FormAsync("oauth/token", poll))["error"].ShouldBe("invalid_grant");
        poll["auth_req_id"] = "";
        (await scene.Vault.Api.FormAsync("oauth/token", poll))["error"].ShouldBe("invalid_request");
        (await scene.PollAsync(asked.Id)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task What_was_taken_away_after_the_approval_is_not_issued()
    {
        var user = await scene.NewUserAsync();
        var (blocked, narrowed, removed) = (await scene.AskedAsync(user.Id), await scene.AskedAsync(user.Id), await scene.AskedAsync(user.Id));
        foreach (var asked in (Asked[])[blocked, narrowed, removed])
        {
            await ApprovalScene.ApproveAsync(user.Browser, asked.Uri);
        }

        var admin = await scene.AdminAsync();
        (await admin.PatchAsync("users/" + Uri.EscapeDataString(user.Id), new JsonObject { ["blocked"] = true })).Status.ShouldBe(200);
        await scene.PollAsync(blocked.Id, 400, "access_denied");
        (await scene.AskAsync(user.Id))["error"].ShouldBe("access_denied");
        (await admin.PatchAsync("users/" + Uri.EscapeDataString(user.Id), new JsonObject { ["blocked"] = false })).Status.ShouldBe(200);

        await scene.PatchClientAsync(new JsonObject { ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.FederatedExchange, Wire.Ciba) });
        var tokens = await scene.PollAsync(narrowed.Id);
        await scene.PatchClientAsync(new JsonObject { ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.FederatedExchange, Wire.Ciba) });
        Scope.Parse(tokens["scope"]).ShouldBe(["openid", "read:calendar"]);
        tokens["refresh_token"].ShouldBeNull();

        (await admin.DeleteAsync("users/" + Uri.EscapeDataString(user.Id))).Status.ShouldBe(204);
        await scene.PollAsync(removed.Id, 400, "invalid_grant");
    }

    [Fact]
    public async Task What_a_removed_client_asked_for_is_gone()
    {
        var admin = await scene.AdminAsync();
        var client = await admin.CreateApplicationAsync("Short-lived", new JsonObject { ["grant_types"] = new JsonArray(Wire.Ciba) });
        var user = await scene.NewUserAsync();
        var asked = await scene.AskedAsync(user.Id, ("client_id", client.ClientId), ("client_secret", client.ClientSecret), ("scope", "openid"), ("audience", null));
        var page = await user.Browser.GoAsync(asked.Uri);
        (await admin.DeleteAsync("clients/" + client.ClientId)).Status.ShouldBe(204);

        (await user.Browser.SubmitAsync(page, ApprovalScene.Allow)).Status.ShouldBe(410);
        (await user.Browser.GoAsync(asked.Uri)).Status.ShouldBe(410);
        (await user.Browser.GoAsync(scene.Vault.Issuer + "approvals")).Html.ShouldContain("Nothing waits for your approval.");
        (await scene.RowAsync(asked.Uri)).ShouldBeNull();
        var poll = scene.PollForm(asked.Id);
        (poll["client_id"], poll["client_secret"]) = (client.ClientId, client.ClientSecret);
        (await scene.Vault.Api.FormAsync("oauth/token", poll))["error"].ShouldBe("invalid_client");
    }

    [Fact]
    public async Task Discovery_tells_of_it()
    {
        var metadata = (await scene.Vault.Api.SendAsync(HttpMethod.Get, ".well-known/openid-configuration")).Json;
        ((string?)metadata["backchannel_authentication_endpoint"]).ShouldBe(scene.Vault.Issuer + "bc-authorize");
        metadata["backchannel_token_delivery_modes_supported"]!.ToJsonString().ShouldBe("[\"poll\"]");
        ((bool)metadata["backchannel_user_code_parameter_supported"]!).ShouldBeFalse();
        metadata["grant_types_supported"]!.AsArray().Select(type => (string?)type).ShouldContain(Wire.Ciba);
    }

    private static JsonNode Claims(string token)
    {
        var payload = token.Split('.')[1];
        return JsonNode.Parse(Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(payload)))!;
    }
}
