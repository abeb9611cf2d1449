using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using TokenVault.Client.Agents;
using TokenVault.Client.Mcp;
using TokenVault.Server.Demo;

namespace TokenVault.Client.Tests.Mcp;

/// <summary>Elicitation as MCP 2025-11-25 has it.</summary>
[Collection(ClientTests.Name)]
public sealed class SessionTests(ClientScene scene)
{
    [Fact]
    public async Task The_call_waits_for_the_user_runs_again_and_the_client_is_told_that_they_are_done()
    {
        var user = await scene.NewUserAsync();
        var opening = new TaskCompletionSource<string>();
        await using var session = await SessionScene.StartAsync(scene, user, elicitation =>
        {
            opening.SetResult(elicitation.Url!);
            elicitation.Message.ShouldContain(ClientScene.Read);
            return Task.FromResult("accept");
        });
        await SignInAsync(user);

        var call = session.Client.CallToolAsync("tool").AsTask();
        var page = await user.Browser.GoAsync(await opening.Task.WaitAsync(TimeSpan.FromSeconds(30)));

        page.Status.ShouldBe(200, page.Url + page.Html);
        var result = await call.WaitAsync(TimeSpan.FromSeconds(30));
        (result.IsError, Text(result)).ShouldBe((null, "as calendar"));
        await UntilAsync(() => session.Completed.Count == 1);
    }

    [Fact]
    public async Task Where_nobody_waits_the_error_says_where_to_go_and_the_client_is_told_when_to_call_again()
    {
        var user = await scene.NewUserAsync();
        await using var session = await SessionScene.StartAsync(scene, user, _ => Task.FromResult("accept"), options => options.Wait = TimeSpan.Zero);
        await SignInAsync(user);

        var required = await Should.ThrowAsync<UrlElicitationRequiredException>(async () => await session.Client.CallToolAsync("tool"));

        required.ErrorCode.ShouldBe(McpErrorCode.UrlElicitationRequired);
        var elicitation = required.Elicitations.ShouldHaveSingleItem();
        (await user.Browser.GoAsync(elicitation.Url!)).Status.ShouldBe(200);
        await UntilAsync(() => session.Completed.Contains(elicitation.ElicitationId));
        Text(await session.Client.CallToolAsync("tool")).ShouldBe("as calendar");
    }

    [Fact]
    public async Task A_user_who_does_not_come_back_in_time_is_no_longer_waited_for()
    {
        var user = await scene.NewUserAsync();
        var asked = new TaskCompletionSource();
        await using var session = await SessionScene.StartAsync(scene, user, _ =>
        {
            asked.SetResult();
            return Task.FromResult("accept");
        });

        var call = session.Client.CallToolAsync("tool").AsTask();
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await UntilAsync(() =>
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(1));
            return call.IsCompleted;
        });

        (await Should.ThrowAsync<UrlElicitationRequiredException>(call)).Elicitations.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Who_comes_back_without_an_account_is_not_sent_again()
    {
        var user = await scene.NewUserAsync();
        var asked = 0;
        await using var session = await SessionScene.StartAsync(scene, user, async elicitation =>
        {
            asked++;
            scene.Provider.Authorization.Next(Testing.Fault.Denied());
            (await user.Browser.GoAsync(elicitation.Url!)).Url.ShouldContain("connect_error=ConnectFailed");
            return "accept";
        });
        await SignInAsync(user);

        var result = await session.Client.CallToolAsync("tool");

        (result.IsError, asked).ShouldBe((true, 1));
        Text(result).ShouldContain("came back without");
    }

    [Fact]
    public async Task Who_declines_is_not_sent()
    {
        var user = await scene.NewUserAsync();
        await using var session = await SessionScene.StartAsync(scene, user, _ => Task.FromResult("cancel"));

        Text(await session.Client.CallToolAsync("tool")).ShouldBe("The user does not want to connect an account now.");
    }

    [Fact]
    public async Task T_CF_02_a_link_is_for_its_user_its_time_and_this_application()
    {
        var (user, other) = (await scene.NewUserAsync(), await scene.NewUserAsync());
        await using var session = await SessionScene.StartAsync(scene, user, _ => Task.FromResult("accept"), options => options.Wait = TimeSpan.Zero);
        await SignInAsync(user);
        await SignInAsync(other);
        var required = await Should.ThrowAsync<UrlElicitationRequiredException>(async () => await session.Client.CallToolAsync("tool"));
        var elicitation = required.Elicitations[0];

        (await other.Browser.GoAsync(elicitation.Url!)).Status.ShouldBe(403);
        (await other.Browser.GoAsync($"{scene.WebOrigin}/agent-connect/done?id={elicitation.ElicitationId}&connected=calendar")).Status.ShouldBe(200);
        session.Completed.ShouldBeEmpty();
        (await user.Browser.GoAsync(elicitation.Url![..^3] + "xyz")).Status.ShouldBe(400);
        scene.Clock.Advance(TimeSpan.FromMinutes(11));
        (await user.Browser.GoAsync(elicitation.Url!)).Status.ShouldBe(400);
    }

    [Fact]
    public async Task T_DO_03_a_client_that_calls_again_and_again_is_waited_for_no_more_than_so_often()
    {
        await using var session = await SessionScene.StartAsync(scene, await scene.NewUserAsync(), show: null);
        var invitations = session.Web.Services.GetRequiredService<ConnectInvitations>();
        var done = new List<string>();
        string Invite(string user, string name) => invitations.Invite(user, ClientScene.Calendar, [], _ => { done.Add(name); return Task.CompletedTask; }).Invitation.Id;
        var quiet = Invite("quiet", "quiet");
        var flood = Enumerable.Range(0, 30).Select(i =>
        {
            scene.Clock.Advance(TimeSpan.FromMilliseconds(1));
            return Invite("busy", $"{i}");
        }).ToArray();

        foreach (var id in flood)
        {
            await invitations.ReturnedAsync(id, "busy");
        }

        await invitations.ReturnedAsync(quiet, "quiet");
        done.ShouldBe([.. Enumerable.Range(10, 20).Select(i => $"{i}"), "quiet"]);
    }

    [Fact]
    public async Task Other_failures_are_told_by_name_and_hold_no_secret()
    {
        var user = await scene.ConnectedUserAsync();
        await using var session = await SessionScene.StartAsync(
            scene, user with { RefreshToken = "not-a-token" }, _ => Task.FromResult("accept"), tool: () => ToolToken.Current.AccessToken);

        var result = await session.Client.CallToolAsync("tool");

        result.IsError.ShouldBe(true);
        Text(result).ShouldStartWith(nameof(TokenVaultFailure.SubjectRejected));
        Text(result).ShouldNotContain("not-a-token");
    }

    [Theory]
    [InlineData("agent", 1)]
    [InlineData("/agent/", 1)]
    [InlineData("/agent", -1)]
    [InlineData("/agent", 11)]
    public async Task Settings_that_cannot_be_meant_stop_the_start(string path, int minutes) =>
        await Should.ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>(async () => await SessionScene.StartAsync(
            scene, await scene.NewUserAsync(), show: null, options => (options.Path, options.Wait) = (path, TimeSpan.FromMinutes(minutes))));

    private Task<Visit> SignInAsync(ClientUser user) =>
        user.Browser.GoAsync($"{scene.WebOrigin}/sign-in?user={Uri.EscapeDataString(user.Id)}&token={user.RefreshToken}");

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var since = TimeProvider.System.GetTimestamp(); !condition(); await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System))
        {
            TimeProvider.System.GetElapsedTime(since).ShouldBeLessThan(TimeSpan.FromSeconds(30));
        }
    }

    private static string Text(CallToolResult result) => result.Content.ShouldHaveSingleItem().ShouldBeOfType<TextContentBlock>().Text;
}
