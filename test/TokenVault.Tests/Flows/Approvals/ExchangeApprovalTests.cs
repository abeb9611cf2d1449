using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Approvals;

/// <summary>Exchanges that wait for the user.</summary>
public sealed class ExchangeApprovalTests(ApprovalScene scene) : IClassFixture<ApprovalScene>
{
    private static JsonObject Always => new() { ["required"] = true };

    [Fact]
    public async Task An_exchange_waits_for_the_user_succeeds_once_and_then_waits_again()
    {
        var connection = await scene.AddGuardedConnectionAsync(Always);
        var user = await scene.ConnectedUserAsync(connection);
        var pending = await PendingAsync(user, connection);
        pending.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(5));
        ((int)pending.Json["interval"]!).ShouldBe(5);
        ((int)pending.Json["expires_in"]!).ShouldBe(300);
        pending.ContentHeaders.ContentType!.ToString().ShouldBe("application/json");

        var again = await PendingAsync(user, connection);
        again["auth_req_id"].ShouldBe(pending["auth_req_id"]);
        (await scene.AuditAsync("approval_requested", user.Id)).ShouldHaveSingleItem();
        var page = await user.Browser.GoAsync(pending["approval_uri"]!);
        page.Html.ShouldContain(connection);
        page.Html.ShouldContain(", once:");
        page.Html.ShouldContain("<code>calendar.read</code>");

        await ApprovalScene.ApproveAsync(user.Browser, pending["approval_uri"]!);
        var tokens = await user.ExchangeAsync(connection);
        tokens.Status.ShouldBe(200, tokens.Text);
        tokens["approval_id"].ShouldBe(pending["auth_req_id"]);
        var row = (await scene.AuditAsync("seta", user.Id)).ShouldHaveSingleItem();
        ((string?)row["details"]!["approval_id"]).ShouldBe(pending["auth_req_id"]);
        var next = await PendingAsync(user, connection);
        next["auth_req_id"].ShouldNotBe(pending["auth_req_id"]);
        ((string?)(await scene.AuditAsync("feta", user.Id))[^1]["details"]!["failure_reason"]).ShouldBe("approval_required");
    }

    [Fact]
    public async Task Of_many_exchanges_at_once_one_asks_and_one_gets_the_token()
    {
        var connection = await scene.AddGuardedConnectionAsync(Always);
        var user = await scene.ConnectedUserAsync(connection);
        var pending = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => user.ExchangeAsync(connection)));
        pending.Select(answer => answer["auth_req_id"]).Distinct().ShouldHaveSingleItem();

        await ApprovalScene.ApproveAsync(user.Browser, pending[0]["approval_uri"]!);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => user.ExchangeAsync(connection)));
        answers.Count(answer => answer.Status == 200).ShouldBe(1);
        answers.Count(answer => answer["error"] == "authorization_pending").ShouldBe(7);
        (await scene.AuditAsync("seta", user.Id)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_denial_stands_until_its_end_and_asks_nobody_again()
    {
        var connection = await scene.AddGuardedConnectionAsync(Always);
        var user = await scene.ConnectedUserAsync(connection);
        var pending = await PendingAsync(user, connection);
        await ApprovalScene.DenyAsync(user.Browser, pending["approval_uri"]!);
        for (var i = 0; i < 2; i++)
        {
            var denied = await user.ExchangeAsync(connection);
            denied.Status.ShouldBe(403, denied.Text);
            denied["error"].ShouldBe("access_denied");
            denied["reason"].ShouldBe("policy_denied");
        }

        scene.Clock.Advance(TimeSpan.FromSeconds(300));
        (await PendingAsync(user, connection))["auth_req_id"].ShouldNotBe(pending["auth_req_id"]);
    }

    [Fact]
    public async Task An_approval_for_a_while_is_good_for_that_while_and_one_that_nobody_gave_is_asked_for_anew()
    {
        var connection = await scene.AddGuardedConnectionAsync(new JsonObject { ["required"] = true, ["valid_for"] = 600, ["expires_in"] = 60 });
        var user = await scene.ConnectedUserAsync(connection);
        var late = await PendingAsync(user, connection);
        ((int)late.Json["expires_in"]!).ShouldBe(60);
        scene.Clock.Advance(TimeSpan.FromSeconds(60));
        var pending = await PendingAsync(user, connection);
        pending["auth_req_id"].ShouldNotBe(late["auth_req_id"]);

        (await user.Browser.GoAsync(pending["approval_uri"]!)).Html.ShouldContain("as often as it likes for 00:10:00");
        await ApprovalScene.ApproveAsync(user.Browser, pending["approval_uri"]!);
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);
        scene.Clock.Advance(TimeSpan.FromSeconds(590));
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);

        // A stricter rule does not wait for what was approved under the former one to end.
        var id = (string)(await (await scene.AdminAsync()).GetAsync("connections?name=" + connection)).Json[0]!["id"]!;
        await scene.GuardAsync(id, Always);
        await PendingAsync(user, connection);
        await scene.GuardAsync(id, new JsonObject { ["required"] = true, ["valid_for"] = 600, ["expires_in"] = 60 });
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);
        scene.Clock.Advance(TimeSpan.FromSeconds(10));
        await PendingAsync(user, connection);
    }

    [Fact]
    public async Task By_scope_only_tokens_that_are_good_for_one_of_them_wait()
    {
        var free = await scene.AddGuardedConnectionAsync(new JsonObject { ["scopes"] = new JsonArray("calendar.write") });
        var user = await scene.ConnectedUserAsync(free);
        (await user.ExchangeAsync(free)).Status.ShouldBe(200);

        // What counts is what the token is good for, not what was asked.
        var guarded = await scene.AddGuardedConnectionAsync(new JsonObject { ["scopes"] = new JsonArray("calendar.read") });
        var other = await scene.ConnectedUserAsync(guarded);
        (await other.ExchangeAsync(guarded, new JsonObject { ["scope"] = "email" }))["reason"].ShouldBe("approval_required");
    }

    [Fact]
    public async Task Every_form_of_exchange_waits_and_an_approval_is_one_clients_alone()
    {
        var connection = await scene.AddGuardedConnectionAsync(Always);
        var user = await scene.ConnectedUserAsync(connection);
        var byRefresh = await PendingAsync(user, connection);
        await ApprovalScene.ApproveAsync(user.Browser, byRefresh["approval_uri"]!);

        // Another client's approval is another one.
        var byAccess = await user.ExchangeByAccessTokenAsync(connection);
        byAccess["reason"].ShouldBe("approval_required", byAccess.Text);
        byAccess["auth_req_id"].ShouldNotBe(byRefresh["auth_req_id"]);
        await ApprovalScene.ApproveAsync(user.Browser, byAccess["approval_uri"]!);
        (await user.ExchangeByAccessTokenAsync(connection)).Status.ShouldBe(200);
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_workers_user_reads_why_and_approves_that_alone_and_for_that_kind_of_token_alone()
    {
        var connection = await scene.AddGuardedConnectionAsync(Always);
        var user = await scene.ConnectedUserAsync(connection);
        var worker = await scene.NewWorkerAsync();
        await scene.EnableAsync(connection, worker.ClientId);
        var pending = await worker.ExchangeAsync(user.Id, ("connection", connection));
        pending["reason"].ShouldBe("approval_required", pending.Text);
        var page = await user.Browser.GoAsync(pending["approval_uri"]!);
        page.Html.ShouldContain("Nightly synchronisation");
        await ApprovalScene.ApproveAsync(user.Browser, pending["approval_uri"]!);

        var otherReason = await worker.SendAsync(worker.SubjectToken(user.Id, claims => claims["audit_context"] = "Something else"), ("connection", connection));
        otherReason["reason"].ShouldBe("approval_required", otherReason.Text);
        var refresh = await worker.ExchangeAsync(user.Id, ("connection", connection), ("requested_token_type", Server.Protocol.Wire.VaultRefreshTokenType));
        refresh["reason"].ShouldBe("approval_required", refresh.Text);
        (await user.Browser.GoAsync(refresh["approval_uri"]!)).Html.ShouldContain("lasting access");
        (await worker.ExchangeAsync(user.Id, ("connection", connection))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Nobody_is_asked_for_what_cannot_be_had()
    {
        var connection = await scene.AddGuardedConnectionAsync(Always);
        var user = await scene.NewUserAsync();
        (await user.ExchangeAsync(connection))["reason"].ShouldBe("not_connected");
        await user.ConnectAsync(connection);
        (await user.ExchangeAsync(connection, new JsonObject { ["scope"] = "calendar.write" }))["reason"].ShouldBe("insufficient_scope");
        (await scene.AuditAsync("approval_requested", user.Id)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_rule_survives_a_tool_that_does_not_know_it_and_goes_when_it_is_taken_away()
    {
        var admin = await scene.AdminAsync();
        var connection = await scene.AddGuardedConnectionAsync(new JsonObject { ["scopes"] = new JsonArray("calendar.read"), ["valid_for"] = 60 });
        var read = (await admin.GetAsync("connections?name=" + connection)).Json[0]!;
        var id = (string)read["id"]!;
        read["connected_accounts"]!.ToJsonString().ShouldBe("""{"active":true,"approval":{"required":false,"scopes":["calendar.read"],"valid_for":60,"expires_in":300}}""");

        (await admin.PatchAsync("connections/" + id, new JsonObject { ["connected_accounts"] = new JsonObject { ["active"] = true } })).Json["connected_accounts"]!["approval"].ShouldNotBeNull();
        (await admin.PatchAsync("connections/" + id, new JsonObject { ["options"] = read["options"]!.DeepClone() })).Json["connected_accounts"]!["approval"].ShouldNotBeNull();
        var user = await scene.ConnectedUserAsync(connection);
        await PendingAsync(user, connection);
        foreach (var bad in (string[])["""{"required":false}""", """{"required":true,"valid_for":-1}""", """{"required":true,"expires_in":0}""", """{"scopes":["a b"]}""", """{"required":true,"more":1}"""])
        {
            var refused = await admin.PatchAsync("connections/" + id, new JsonObject { ["connected_accounts"] = new JsonObject { ["approval"] = JsonNode.Parse(bad) } });
            refused.Status.ShouldBe(400, bad);
        }

        await scene.GuardAsync(id, approval: null);
        (await user.ExchangeAsync(connection)).Status.ShouldBe(200);
    }

    private static async Task<Answer> PendingAsync(TestUser user, string connection)
    {
        var answer = await user.ExchangeAsync(connection);
        answer.Status.ShouldBe(400, answer.Text);
        answer["error"].ShouldBe("authorization_pending");
        answer["reason"].ShouldBe("approval_required");
        answer["auth_req_id"].ShouldNotBeNull();
        answer["approval_uri"].ShouldStartWith(user.Scene.Vault.Issuer + "approvals/apr_");
        return answer;
    }
}
