using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Approvals;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Actions;

/// <summary>What actions answer, and what comes of it.</summary>
public sealed class ActionCommandTests(ActionScene scene) : IClassFixture<ActionScene>
{
    private const string Deny = """{"type":"deny","reason":"Not on a Sunday"}""";
    private const string RequireMfa = """{"type":"require_mfa"}""";
    private const string RequireApproval = """{"type":"require_approval"}""";
    private const string SetClaims = """{"type":"set_claims","id_token":{"https://example.com/tier":"gold"},"access_token":{"department":{"id":7}}}""";

    [Theory]
    [InlineData(Deny, "Not on a Sunday")]
    [InlineData("""{"type":"deny"}""", "An action denies it.")]
    [InlineData(RequireApproval, "An action demands the user's approval, for which nobody can be asked here.")]
    public async Task A_denial_and_where_nobody_can_be_asked_an_approval_refuse_in_each_flow(string command, string reason)
    {
        var user = await scene.ConnectedUserAsync();
        await scene.MayExchangeAsync(user.Application);
        var (login, exchange) = (await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always(command)), await scene.ActionAsync(ActionScene.TokenExchange, ActionScene.Always(command)));
        await using (await scene.BindAsync(ActionScene.PostLogin, login))
        await using (await scene.BindAsync(ActionScene.TokenExchange, exchange))
        {
            var (visit, _) = await user.Application.AuthorizeAsync(user.Browser, user.Email, user.Password, VaultScene.Api, "openid");
            (visit["error"], visit["error_description"], visit["code"]).ShouldBe(("access_denied", reason, null));
            foreach (var answer in new[] { await user.Application.RefreshAsync(user.RefreshToken), await ActionScene.ImpersonateAsync(user) })
            {
                answer.ShouldBeRefused(403, "access_denied");
                answer["error_description"].ShouldBe(reason);
            }

            foreach (var answer in new[] { await user.ExchangeAsync(), await user.ExchangeByAccessTokenAsync() })
            {
                (answer.Status, answer["error"], answer["reason"]).ShouldBe(
                    command == RequireApproval ? (400, "authorization_pending", "approval_required") : (403, "access_denied", FailureReason.PolicyDenied));
            }
        }

        (await scene.AuditAsync(AuditType.FailedRefreshExchange)).ShouldContain(row => (string?)row["description"] == reason);
        (await scene.AuditAsync(AuditType.FailedVaultExchange, user.Id)).Count(row => (string?)row["description"] == reason).ShouldBe(command == RequireApproval ? 0 : 2);
        (await scene.AuditAsync(AuditType.FailedTokenExchange, user.Id)).Count(row => (string?)row["description"] == reason).ShouldBe(1);
        if (command != RequireApproval)
        {
            var rows = (await scene.AuditAsync(AuditType.ActionDenied, user.Id)).Where(row => (string?)row["details"]!["action_id"] == login.Id).ToList();
            rows.Select(row => (string?)row["details"]!["protocol"]).ShouldBe(["oidc-basic-profile", "oauth2-refresh-token"]);
            ((string?)rows[0]["description"], (string?)rows[0]["details"]!["trigger"]).ShouldBe((reason, ActionScene.PostLogin));
        }

        (await user.ExchangeAsync()).ShouldBeGranted();
    }

    [Fact]
    public async Task A_vault_exchange_for_which_an_action_demands_approval_waits_for_its_user()
    {
        var user = await scene.ConnectedUserAsync();
        var action = await scene.ActionAsync(ActionScene.TokenExchange, ActionScene.Always(RequireApproval));
        await using (await scene.BindAsync(ActionScene.TokenExchange, action))
        {
            var pending = await user.ExchangeAsync();
            pending["error"].ShouldBe("authorization_pending");
            await ApprovalScene.ApproveAsync(user.Browser, pending["approval_uri"]!);
            (await user.ExchangeAsync()).ShouldBeGranted();
            (await user.ExchangeAsync())["error"].ShouldBe("authorization_pending");
        }

        (await user.ExchangeAsync()).ShouldBeGranted();
    }

    [Fact]
    public async Task A_second_factor_is_asked_for_on_the_page_and_demanded_where_there_is_none()
    {
        var person = await scene.NewPersonAsync();
        var weak = await person.RedeemAsync(await person.ComeAsync());
        var (login, exchange) = (await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always(RequireMfa)), await scene.ActionAsync(ActionScene.TokenExchange, ActionScene.Always(RequireMfa)));
        await using (await scene.BindAsync(ActionScene.PostLogin, login))
        await using (await scene.BindAsync(ActionScene.TokenExchange, exchange))
        {
            (await scene.App.AuthorizeAsync(person.Browser, "", "", null, "openid", [new("prompt", "none")])).Visit["error"].ShouldBe("mfa_required");
            var refused = await scene.App.RefreshAsync(weak["refresh_token"]!);
            refused.ShouldBeRefused(401, "mfa_required");
            refused["mfa_token"].ShouldNotBeNull();
            var vault = await scene.App.ExchangeAsync(weak["refresh_token"]!, Wire.RefreshTokenType, VaultScene.Calendar);
            vault.ShouldBeRefused(401, "mfa_required");
            (vault["reason"], vault["mfa_token"]).ShouldBe((FailureReason.PolicyDenied, null));

            // The page enrols and asks; afterwards the session will do, and so will what came of it.
            var strong = await person.RedeemAsync(await person.FinishEnrolmentAsync(await person.ComeAsync()));
            Answers.Claims(strong["id_token"])["amr"]!.AsArray().Select(method => (string?)method).ShouldContain("mfa");
            (await person.ComeAsync())["code"].ShouldNotBeNull();
            (await scene.App.RefreshAsync(strong["refresh_token"]!)).ShouldBeGranted();
            var connected = await scene.App.ExchangeAsync(strong["refresh_token"]!, Wire.RefreshTokenType, VaultScene.Calendar);
            connected["reason"].ShouldBe(FailureReason.NotConnected, "the action lets it through");
        }

        login.Asked[^1].Event["authentication"]!["methods"]!.AsArray().Select(method => (string?)method!["name"]).ShouldContain("mfa");
    }

    [Fact]
    public async Task Claims_are_in_the_tokens_beside_the_servers_own()
    {
        var user = await scene.NewUserAsync();
        await scene.MayExchangeAsync(user.Application);
        var (login, exchange) = (await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always(SetClaims)), await scene.ActionAsync(ActionScene.TokenExchange, ActionScene.Always(SetClaims)));
        await using (await scene.BindAsync(ActionScene.PostLogin, login))
        await using (await scene.BindAsync(ActionScene.TokenExchange, exchange))
        {
            var signedIn = await user.Application.SignInAsync(user.Browser, user.Email, user.Password, VaultScene.Api, "openid read:calendar");
            foreach (var answer in new[] { signedIn, await user.Application.RefreshAsync(user.RefreshToken) })
            {
                var (id, access) = (Answers.Claims(answer["id_token"]), Answers.Claims(answer["access_token"]));
                ((string?)id["https://example.com/tier"], (string?)id["sub"], id["department"]).ShouldBe(("gold", user.Id, null));
                (access["department"]!.ToJsonString(), (string?)access["sub"], access["https://example.com/tier"]).ShouldBe(("""{"id":7}""", user.Id, null));
            }

            Answers.Claims((await ActionScene.ImpersonateAsync(user))["access_token"])["department"]!.ToJsonString().ShouldBe("""{"id":7}""");
        }

        Answers.Claims((await user.Application.RefreshAsync(user.RefreshToken))["access_token"])["department"].ShouldBeNull();
    }

    [Fact]
    public async Task Scopes_get_fewer_and_never_more()
    {
        var user = await scene.NewUserAsync();
        await scene.MayExchangeAsync(user.Application);
        const string narrow = """{"type":"narrow_scopes","scopes":["openid","read:calendar","read:everything","offline_access"]}""";
        var (login, exchange) = (await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always(narrow)), await scene.ActionAsync(ActionScene.TokenExchange, ActionScene.Always("""{"type":"narrow_scopes","scopes":[]}""")));
        await using (await scene.BindAsync(ActionScene.PostLogin, login))
        {
            var signedIn = await user.Application.SignInAsync(user.Browser, user.Email, user.Password, VaultScene.Api, "openid profile email offline_access read:calendar");
            signedIn.ScopesOf().ShouldBe(["openid", "offline_access", "read:calendar"], ignoreOrder: true);
            (await user.Application.RefreshAsync(signedIn["refresh_token"]!)).ScopesOf().ShouldBe(["openid", "offline_access", "read:calendar"], ignoreOrder: true);
            (await user.Application.RefreshAsync(user.RefreshToken)).ScopesOf().ShouldNotContain("email");
            (await user.Application.RefreshAsync(user.RefreshToken, scope: "openid")).ScopesOf().ShouldBe(["openid"]);
        }

        (await ActionScene.ImpersonateAsync(user)).ScopesOf().ShouldContain("read:calendar");
        await using (await scene.BindAsync(ActionScene.TokenExchange, exchange))
        {
            (await ActionScene.ImpersonateAsync(user)).ShouldBeRefused(400, "invalid_scope");
        }
    }

    [Fact]
    public async Task Users_are_asked_to_consent_to_what_the_actions_leave()
    {
        var credentials = await (await scene.AdminAsync()).CreateApplicationAsync("Planner", new JsonObject { ["is_first_party"] = false });
        var (app, user) = (new Application(scene.Vault.Api, credentials), await scene.NewUserAsync());
        var (action, bound) = await scene.BoundAsync(ActionScene.PostLogin, ActionScene.Always("""{"type":"narrow_scopes","scopes":["openid"]}""", SetClaims));
        await using (bound)
        {
            var (page, verifier) = await app.AuthorizeAsync(user.Browser, user.Email, user.Password, audience: null, "openid email");
            page.Html.ShouldContain("<code>openid</code>");
            page.Html.ShouldNotContain("<code>email</code>");
            var back = await user.Browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = "allow" }, Operator.Callback);
            var tokens = await app.RedeemAsync(back["code"]!, verifier);
            tokens["scope"].ShouldBe("openid");
            ((string?)Answers.Claims(tokens["id_token"])["https://example.com/tier"]).ShouldBe("gold");
        }

        action.Asked.Select(asked => (string?)asked.Json["id"]).Distinct().Count().ShouldBe(2, "before the page and after it");
    }

    [Fact]
    public async Task T_ST_14_The_vaults_token_is_narrowed_by_the_provider_or_does_not_leave()
    {
        var user = await scene.ConnectedUserAsync();
        await user.ConnectAsync(ActionScene.Narrowing);
        var (_, bound) = await scene.BoundAsync(ActionScene.TokenExchange, asked => ActionReply.Commands(
            (string?)asked.Event["connection"]!["name"] == ActionScene.Narrowing ? """{"type":"narrow_scopes","scopes":["calendar.read"]}""" : """{"type":"narrow_scopes","scopes":["calendar.list"]}"""));
        await using (bound)
        {
            var narrow = await user.ExchangeAsync(ActionScene.Narrowing);
            narrow.ShouldBeGranted();
            narrow["scope"].ShouldBe("calendar.read");
            scene.Provider.Sandbox.Engine.CommitOf(narrow["access_token"]!)!.Scopes.ShouldBe(["calendar.read"]);
            var wide = await user.ExchangeAsync();
            wide.ShouldBeRefused(403, "access_denied");
            wide["reason"].ShouldBe(FailureReason.PolicyDenied);
        }

        (await user.ExchangeAsync(ActionScene.Narrowing)).ScopesOf().ShouldContain("calendar.write");
    }

    [Fact]
    public async Task Several_are_asked_in_their_order_until_one_denies_and_all_hold()
    {
        var user = await scene.NewUserAsync();
        var first = await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always(
            """{"type":"narrow_scopes","scopes":["openid","read:calendar"]}""", """{"type":"set_claims","access_token":{"a":1,"b":1}}"""));
        var second = await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always(
            """{"type":"narrow_scopes","scopes":["openid","email"]}""", """{"type":"set_claims","access_token":{"b":2}}"""));
        var deny = await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always(Deny));
        await using (await scene.BindAsync(ActionScene.PostLogin, first, second))
        {
            var answer = await user.Application.RefreshAsync(user.RefreshToken);
            var claims = Answers.Claims(answer["access_token"]);
            (answer["scope"], (int?)claims["a"], (int?)claims["b"]).ShouldBe(("openid", 1, 2));
        }

        ((string?)first.Asked[0].Json["id"]).ShouldBe((string?)second.Asked[0].Json["id"]);
        scene.Receiver.Asked.Select(asked => asked.Name).Where(name => name == first.Name || name == second.Name).ShouldBe([first.Name, second.Name]);
        await using (await scene.BindAsync(ActionScene.PostLogin, deny, first))
        {
            (await user.Application.RefreshAsync(user.RefreshToken)).ShouldBeRefused(403, "access_denied");
        }

        (deny.Asked.Count, first.Asked.Count).ShouldBe((1, 1));
    }
}
