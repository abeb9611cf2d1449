using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using TokenVault.Client.Agents;
using TokenVault.Server.Demo;

namespace TokenVault.Client.Tests;

/// <summary>Approvals at a running server, answered in the user's browser.</summary>
[Collection(ClientTests.Name)]
public sealed class LiveApprovalTests(ClientScene scene)
{
    [Fact]
    public async Task A_user_approves_and_another_denies()
    {
        var user = await scene.NewUserAsync();
        var question = new ApprovalRequest(user.Id, "Order 17: 2 books") { Scopes = ["read:calendar"], Audience = ClientScene.Api };

        var approval = await scene.Client.RequestApprovalAsync(question);
        var pending = await scene.Client.CheckApprovalAsync(approval);
        (pending.IsApproved, pending.CheckAgainAfter).ShouldBe((false, approval.Interval));
        var hasty = await scene.Client.CheckApprovalAsync(approval);
        hasty.CheckAgainAfter.ShouldBeGreaterThan(approval.Interval);
        await AnswerAsync(user, approval.ApprovalUri, "allow");
        scene.Clock.Advance(hasty.CheckAgainAfter);
        var yes = await scene.Client.CheckApprovalAsync(approval);
        yes.IsApproved.ShouldBeTrue();
        yes.ExpiresAt.ShouldBeGreaterThan(scene.Clock.GetUtcNow());
        (await FailsAsync(approval)).ShouldBe(TokenVaultFailure.ApprovalExpired);

        var refused = await scene.Client.RequestApprovalAsync(question);
        await AnswerAsync(user, refused.ApprovalUri, "deny");
        (await FailsAsync(refused)).ShouldBe(TokenVaultFailure.ApprovalDenied);
        var late = await scene.Client.RequestApprovalAsync(question);
        scene.Clock.Advance(TimeSpan.FromSeconds(301));
        (await FailsAsync(late)).ShouldBe(TokenVaultFailure.ApprovalExpired);
    }

    [Fact]
    public async Task An_exchange_that_needs_an_approval_interrupts_the_tool_and_goes_on_when_it_is_given()
    {
        const string guarded = "guarded";
        var connection = await scene.Admin.CreateConnectionAsync(
            guarded, "oidc", scene.Provider.OidcOptions("openid", "email", "offline_access", ClientScene.Read), [scene.App.Credentials]);
        var rule = new JsonObject { ["connected_accounts"] = new JsonObject { ["active"] = true, ["approval"] = new JsonObject { ["required"] = true } } };
        (await scene.Admin.PatchAsync($"connections/{connection["id"]}", rule)).Status.ShouldBe(200);
        var user = await scene.NewUserAsync();
        var begun = await scene.Client.ConnectAsync(user.Subject, new ConnectRequest(guarded, Operator.Callback));
        var back = await user.Browser.GoAsync(begun.Link.AbsoluteUri, Operator.Callback);
        await scene.Client.CompleteAsync(user.Subject, begun, back["connect_code"]!);
        var tool = AIFunctionFactory.Create(() => scene.Provider.UserOf(ToolToken.Current.AccessToken), "whoami")
            .WithTokenVault(new ToolOptions { Vault = scene.Client, User = new Fixed(user.Subject) }, guarded);

        var e = await Should.ThrowAsync<TokenVaultException>(scene.Client.ExchangeAsync(user.Subject, new(guarded)));
        (e.Failure, e.RetryAfter, e.UserCanConnect).ShouldBe((TokenVaultFailure.ApprovalRequired, TimeSpan.FromSeconds(5), false));
        var interrupt = await Should.ThrowAsync<ApprovalInterrupt>(tool.InvokeAsync().AsTask());
        (interrupt.IsPending, interrupt.Approval!.Id).ShouldBe((true, e.Approval!.Id));
        interrupt.ToJson().GetProperty("approvalUri").GetString().ShouldBe(e.Approval.ApprovalUri!.AbsoluteUri);

        await AnswerAsync(user, interrupt.Approval.ApprovalUri, "allow");
        (await tool.InvokeAsync())!.ToString().ShouldBe("ada");

        // That was one call; the next one is another matter, though the token would still be good.
        var next = await Should.ThrowAsync<ApprovalInterrupt>(tool.InvokeAsync().AsTask());
        next.Approval!.Id.ShouldNotBe(interrupt.Approval.Id);

        // Of those who ask together, one has it.
        await AnswerAsync(user, next.Approval.ApprovalUri, "allow");
        var calls = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => TryAsync(() => scene.Client.GetTokenAsync(user.Subject, new(guarded)))));
        calls.Count(failure => failure is null).ShouldBe(1);
        calls.Count(failure => failure is TokenVaultFailure.ApprovalRequired).ShouldBe(7);
    }

    private static async Task<TokenVaultFailure?> TryAsync(Func<Task> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (TokenVaultException e)
        {
            return e.Failure;
        }
    }

    private static async Task AnswerAsync(ClientUser user, Uri? uri, string action)
    {
        var page = await user.Browser.GoAsync(uri.ShouldNotBeNull().AbsoluteUri);
        (await user.Browser.SubmitAsync(page, new Dictionary<string, string> { ["action"] = action })).Status.ShouldBe(200);
    }

    private async Task<TokenVaultFailure> FailsAsync(PendingApproval approval) =>
        (await Should.ThrowAsync<TokenVaultException>(scene.Client.CheckApprovalAsync(approval))).Failure;

    private sealed class Fixed(SubjectToken subject) : ISubjectTokenSource
    {
        public ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SubjectToken?>(subject);
    }
}
