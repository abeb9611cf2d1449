using System.Text.Json.Nodes;
using TokenVault.Server.Actions;
using TokenVault.Server.Audit;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Actions;

/// <summary>Actions that do not answer, or not so that anybody could know what they mean.</summary>
public sealed class ActionFailureTests(ActionScene scene) : IClassFixture<ActionScene>
{
    private static readonly Dictionary<string, ActionReply> Failures = new()
    {
        ["an error"] = new(500, """{"commands":[]}"""),
        ["no content"] = new(204, ""),
        ["a redirect"] = new(307, "") { Location = "/elsewhere" },
        ["another type"] = new(200, """{"commands":[]}""", "text/html"),
        ["no JSON"] = new(200, "{commands"),
        ["no object"] = new(200, "[]"),
        ["no commands"] = new(200, "{}"),
        ["commands of another type"] = new(200, """{"commands":{"type":"deny"}}"""),
        ["null"] = new(200, """{"commands":null}"""),
        ["a member twice"] = new(200, """{"commands":[{"type":"deny"}],"commands":[]}"""),
        ["a further member"] = new(200, """{"commands":[],"then":"that"}"""),
        ["an unknown command"] = ActionReply.Commands("""{"type":"deny_everybody"}"""),
        ["another trigger's command"] = ActionReply.Commands("""{"type":"set_user","user_id":"auth0|1"}"""),
        ["a further member of a command"] = ActionReply.Commands("""{"type":"require_mfa","provider":"any"}"""),
        ["a reserved claim"] = ActionReply.Commands("""{"type":"set_claims","access_token":{"sub":"auth0|1"}}"""),
        ["a reserved claim in capitals"] = ActionReply.Commands("""{"type":"set_claims","id_token":{"EMAIL":"root@example.com"}}"""),
        ["too long claims"] = ActionReply.Commands($$$"""{"type":"set_claims","id_token":{"x":"{{{new string('x', 5000)}}}"}}"""),
        ["no scopes"] = ActionReply.Commands("""{"type":"narrow_scopes"}"""),
        ["broken text"] = ActionReply.Commands("""{"type":"deny","reason":"\ud800"}"""),
        ["too long an answer"] = new(200, """{"commands":[]}""" + new string(' ', 17 * 1024)),
        ["no answer in time"] = ActionReply.Hanging,
    };

    public static TheoryData<string> Kinds => [.. Failures.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Without_an_answer_a_closed_action_refuses_and_an_open_one_is_passed_over_and_both_leave_a_row(string kind)
    {
        var user = await scene.NewUserAsync();
        foreach (var (failure, status) in ((string, int)[])[("closed", 403), ("open", 200)])
        {
            var (action, bound) = await scene.BoundAsync(ActionScene.PostLogin, _ => Failures[kind], failure, timeout: 500);
            await using (bound)
            {
                var answering = user.Application.RefreshAsync(user.RefreshToken);
                if (Failures[kind].Status == 0)
                {
                    await scene.TickUntilAsync(() => Task.FromResult(answering.IsCompleted));
                }

                var answer = await answering;
                answer.Status.ShouldBe(status, answer.Text);
                if (status == 403)
                {
                    answer.ShouldBeRefused(403, "access_denied");
                    answer.Text.ShouldNotContain(action.Name, customMessage: "who asks learns nothing of the action");
                }
            }

            action.Asked.Count.ShouldBe(1);
            var row = (await scene.AuditAsync(AuditType.ActionFailed, user.Id)).Single(row => (string?)row["details"]!["action_id"] == action.Id);
            ((string?)row["details"]!["failure"], (string?)row["details"]!["protocol"]).ShouldBe((failure, "oauth2-refresh-token"));
            ((string?)row["description"]).ShouldNotBeNullOrEmpty();
        }
    }

    [Fact]
    public async Task The_vaults_exchange_fails_by_its_reason_and_nothing_of_the_vault_is_opened_or_asked()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        var calls = scene.Provider.Refresh.Calls;
        var (_, bound) = await scene.BoundAsync(ActionScene.TokenExchange, _ => Failures["an error"]);
        await using (bound)
        {
            var refused = await user.ExchangeAsync();
            refused.ShouldBeRefused(403, "access_denied");
            refused["reason"].ShouldBe(FailureReason.PolicyDenied);
        }

        scene.Provider.Refresh.Calls.ShouldBe(calls);
        (await user.ExchangeAsync()).ShouldBeGranted();
    }

    [Fact]
    public async Task A_binding_that_leads_nowhere_refuses()
    {
        var user = await scene.NewUserAsync();
        await using (await scene.BindAsync(ActionScene.PostLogin))
        {
            var bindings = (await scene.Storage.FindAsync<ActionBindings>(ActionScene.PostLogin, CancellationToken.None))!;
            var dangling = new ActionBinding { Id = "abn_x", ActionId = "act_gone", DisplayName = "Gone" };
            (await scene.Storage.CommitAsync(new Batch().Replace(bindings with { Bindings = [dangling] }))).Committed.ShouldBeTrue();
            (await user.Application.RefreshAsync(user.RefreshToken)).ShouldBeRefused(403, "access_denied");
        }

        (await user.Application.RefreshAsync(user.RefreshToken)).ShouldBeGranted();
    }

    [Fact]
    public async Task A_command_that_means_nothing_for_a_providers_token_is_a_failure()
    {
        var user = await scene.ConnectedUserAsync();
        var (action, bound) = await scene.BoundAsync(ActionScene.TokenExchange, ActionScene.Always("""{"type":"set_claims","access_token":{"a":1}}"""));
        await using (bound)
        {
            (await user.ExchangeAsync()).ShouldBeRefused(403, "access_denied");
        }

        (await scene.AuditAsync(AuditType.ActionFailed, user.Id)).ShouldContain(row => (string?)row["details"]!["action_id"] == action.Id);
    }

    [Fact]
    public async Task All_actions_together_have_a_bounded_time()
    {
        var user = await scene.NewUserAsync();
        var slow = new List<TestAction>();
        for (var i = 0; i < 3; i++)
        {
            slow.Add(await scene.ActionAsync(ActionScene.PostLogin, _ => ActionReply.Hanging, "open", timeout: 8000));
        }

        var begun = scene.Clock.GetUtcNow();
        await using (await scene.BindAsync(ActionScene.PostLogin, [.. slow]))
        {
            var answering = user.Application.RefreshAsync(user.RefreshToken);
            await scene.TickUntilAsync(() => Task.FromResult(answering.IsCompleted));
            (await answering).ShouldBeGranted();
        }

        slow.Select(action => action.Asked.Count).ShouldBe([1, 1, 0]);
        var rows = (await scene.AuditAsync(AuditType.ActionFailed, user.Id)).Where(row => DateTimeOffset.Parse((string)row["date"]!, null) >= begun).ToList();
        rows.Select(row => (string?)row["details"]!["action_id"]).ShouldBe(slow.Select(action => action.Id));
        ((string?)rows[2]["description"])!.ShouldContain("all the time there is");
    }

    [Fact]
    public async Task T_UP_10_By_default_an_action_inside_is_not_reached()
    {
        await using var vault = await TestVault.StartAsync(new Dictionary<string, string?> { ["TokenVault:Egress:AllowedNetworks:0"] = "203.0.113.0/24" });
        await using var receiver = await ActionReceiver.StartAsync();
        receiver.Answer("inside", ActionScene.Always());
        var admin = await Operator.SignInAsync(vault.Api, vault.Bootstrap);
        var app = new Application(vault.Api, await admin.CreateApplicationAsync("Application"));
        await admin.CreateUserAsync("ada@example.com", "correct horse battery");
        var made = await admin.CreateAsync("actions/actions", new JsonObject
        {
            ["name"] = "inside",
            ["supported_triggers"] = new JsonArray(new JsonObject { ["id"] = ActionScene.PostLogin }),
            ["endpoint"] = new JsonObject { ["url"] = receiver.Address("inside") },
        });
        (await admin.PatchAsync("actions/triggers/post-login/bindings", ActionScene.Bindings([(string)made["id"]!]))).Status.ShouldBe(200);

        using var browser = vault.NewBrowser();
        var (visit, _) = await app.AuthorizeAsync(browser, "ada@example.com", "correct horse battery", audience: null, "openid");

        visit["error"].ShouldBe("access_denied");
        receiver.Asked.ShouldBeEmpty();
        var logged = await admin.GetAsync("logs?q=" + Uri.EscapeDataString($"type:{AuditType.ActionFailed}"));
        logged.Json.AsArray().ShouldHaveSingleItem()!["description"]!.GetValue<string>().ShouldContain("not public");
    }
}
