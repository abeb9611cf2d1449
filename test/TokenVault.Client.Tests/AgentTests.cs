using System.Net;
using System.Text.Json;
using Microsoft.Extensions.AI;
using TokenVault.Client.Agents;

namespace TokenVault.Client.Tests;

/// <summary>AI functions that act for their users.</summary>
[Collection(ClientTests.Name)]
public sealed class AgentTests(ClientScene scene)
{
    [Fact]
    public async Task T_CL_07_a_tool_runs_with_the_users_token_and_the_model_never_sees_it()
    {
        var user = await scene.ConnectedUserAsync("grace");
        string? used = null;
        var plain = AIFunctionFactory.Create((string day) => { used = ToolToken.Current.AccessToken; return $"2 events on {day}"; }, "list_events", "Lists events.");
        var tool = plain.WithTokenVault(Options(user), ClientScene.Calendar, ClientScene.Read);

        var (messages, _) = await RunAsync(tool);

        scene.Provider.UserOf(used!).ShouldBe("grace");
        (tool.Name, tool.Description, tool.JsonSchema.GetRawText()).ShouldBe((plain.Name, plain.Description, plain.JsonSchema.GetRawText()));
        var transcript = JsonSerializer.Serialize(messages, AIJsonUtilities.DefaultOptions);
        transcript.ShouldContain("2 events on Monday");
        foreach (var secret in (string[])[used!, user.RefreshToken])
        {
            transcript.ShouldNotContain(secret);
        }

        Should.Throw<InvalidOperationException>(() => ToolToken.Current);
    }

    [Fact]
    public async Task A_missing_account_interrupts_and_the_call_is_resumed_when_the_user_has_connected()
    {
        var user = await scene.NewUserAsync();
        var runs = 0;
        var tool = AIFunctionFactory.Create((string day) => $"{++runs} event on {day}", "list_events").WithTokenVault(Options(user), ClientScene.Calendar, ClientScene.Read);

        var (messages, interrupt) = await RunAsync(tool);

        interrupt.ShouldNotBeNull();
        (interrupt.Failure, interrupt.Connection, runs).ShouldBe((TokenVaultFailure.NotConnected, ClientScene.Calendar, 0));
        interrupt.RequiredScopes.ShouldBe([ClientScene.Read]);

        // Nothing has changed: the same again.
        (await messages.ResumeAsync([tool])).ShouldHaveSingleItem().Code.ShouldBe(TokenVaultInterrupt.ConnectCode);
        await user.ConnectAsync(scene.Client);

        // As out of a database.
        var options = AIJsonUtilities.DefaultOptions;
        var stored = JsonSerializer.Deserialize<List<ChatMessage>>(JsonSerializer.Serialize(messages, options), options)!;
        stored.Interrupts().ShouldHaveSingleItem();
        (await stored.ResumeAsync([tool])).ShouldBeEmpty();
        var result = stored.SelectMany(message => message.Contents).OfType<FunctionResultContent>().ShouldHaveSingleItem();
        (result.CallId, result.Result?.ToString(), runs).ShouldBe(("call-1", "1 event on Monday", 1));
    }

    [Fact]
    public async Task Missing_scopes_interrupt_with_the_very_JSON_of_Auth0s_SDK()
    {
        var user = await scene.ConnectedUserAsync();
        var options = new ToolOptions { Vault = scene.Client, User = new Fixed(user.Subject), AuthorizationParams = new Dictionary<string, string> { ["prompt"] = "consent" } };
        var tool = AIFunctionFactory.Create(() => "done", "write").WithTokenVault(options, ClientScene.Calendar, ClientScene.Read, "calendar.write");

        var interrupt = await Should.ThrowAsync<TokenVaultInterrupt>(tool.InvokeAsync().AsTask());

        // What JSON.stringify says of @auth0/ai's TokenVaultInterrupt with these members.
        interrupt.ToJson().GetRawText().ShouldBe(
            """{"name":"AUTH0_AI_INTERRUPT","code":"TOKEN_VAULT_ERROR","connection":"calendar","scopes":["calendar.read","calendar.write"],"requiredScopes":["calendar.read","calendar.write"],"authorizationParams":{"prompt":"consent"},"behavior":"resume","message":"Authorization required to access the Token Vault: calendar. Missing scopes: calendar.write"}""");
        interrupt.Failure.ShouldBe(TokenVaultFailure.InsufficientScope);
    }

    [Fact]
    public async Task A_provider_that_refuses_the_token_is_asked_about_and_the_token_is_dropped()
    {
        var user = await scene.ConnectedUserAsync();
        var calls = new TokenCalls();
        var options = new ToolOptions { Vault = scene.NewClient(scene.Options(), between: calls), User = new Fixed(user.Subject) };
        Exception[] refusals = [new HttpRequestException("401", null, HttpStatusCode.Unauthorized), new ProviderRefusedException("Calendar says no.")];
        foreach (var refusal in refusals)
        {
            var tool = AIFunctionFactory.Create(string () => throw refusal, "refused").WithTokenVault(options, ClientScene.Calendar, ClientScene.Read);
            var before = calls.Count;

            var interrupt = await Should.ThrowAsync<TokenVaultInterrupt>(tool.InvokeAsync().AsTask());

            (interrupt.Failure, interrupt.Connection, calls.Count).ShouldBe((null, ClientScene.Calendar, before + 1));
            interrupt.InnerException.ShouldBe(refusal);
        }

        // What is no matter of the token goes through.
        var broken = AIFunctionFactory.Create(string () => throw new HttpRequestException("500", null, HttpStatusCode.InternalServerError), "broken");
        await Should.ThrowAsync<HttpRequestException>(broken.WithTokenVault(options, ClientScene.Calendar).InvokeAsync().AsTask());
        var away = AIFunctionFactory.Create(() => "never", "away").WithTokenVault(options, "nowhere");
        (await Should.ThrowAsync<TokenVaultException>(away.InvokeAsync().AsTask())).Failure.ShouldBe(TokenVaultFailure.InvalidRequest);
    }

    [Fact]
    public async Task Users_side_by_side_have_their_own_tokens()
    {
        var (ada, grace) = (await scene.ConnectedUserAsync("ada"), await scene.ConnectedUserAsync("grace"));
        var who = new AsyncLocal<ClientUser>();
        var source = new Whoever(() => who.Value!.Subject);
        var tool = AIFunctionFactory.Create(
            async () =>
            {
                await Task.Yield();
                return scene.Provider.UserOf(ToolToken.Current.AccessToken);
            },
            "whoami").WithTokenVault(new ToolOptions { Vault = scene.Client, User = source }, ClientScene.Calendar);

        await Parallel.ForAsync(0, 100, async (i, _) =>
        {
            who.Value = i % 2 == 0 ? ada : grace;
            (await tool.InvokeAsync(cancellationToken: CancellationToken.None))!.ToString().ShouldBe(i % 2 == 0 ? "ada" : "grace");
        });
    }

    private ToolOptions Options(ClientUser user) => new() { Vault = scene.Client, User = new Fixed(user.Subject) };

    /// <summary>One turn of a model that calls the tool, as a chat client runs it.</summary>
    private static async Task<(List<ChatMessage> Messages, TokenVaultInterrupt? Interrupt)> RunAsync(AIFunction tool)
    {
        var call = new FunctionCallContent("call-1", tool.Name, new Dictionary<string, object?> { ["day"] = "Monday" });
        List<ChatMessage> messages = [new(ChatRole.User, "What is on?"), new(ChatRole.Assistant, [call])];
        try
        {
            var result = await tool.InvokeAsync(new AIFunctionArguments(call.Arguments));
            messages.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent("call-1", result)]));
            return (messages, null);
        }
        catch (TokenVaultInterrupt interrupt)
        {
            messages.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent("call-1", interrupt.ToJson())]));
            return (messages, interrupt);
        }
    }

    private sealed class Fixed(SubjectToken subject) : ISubjectTokenSource
    {
        public ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SubjectToken?>(subject);
    }

    private sealed class Whoever(Func<SubjectToken> subject) : ISubjectTokenSource
    {
        public ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SubjectToken?>(subject());
    }
}
