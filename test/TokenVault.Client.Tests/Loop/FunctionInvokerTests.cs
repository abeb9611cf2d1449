using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Client.Agents;
using TokenVault.Tests.Conventions;

namespace TokenVault.Client.Tests.Loop;

/// <summary>Tools in the loop that our README configures.</summary>
[Collection(ClientTests.Name)]
public sealed class FunctionInvokerTests(ClientScene scene)
{
    [Fact]
    public async Task An_interrupt_ends_the_turn_and_afterwards_every_call_has_its_result()
    {
        var user = await scene.NewUserAsync();
        await using var services = Services(user);
        string? used = null;
        var list = AIFunctionFactory.Create((string day) => { used = ToolToken.Current.AccessToken; return $"1 event on {day}"; }, "list_events")
            .WithTokenVault(ClientScene.Calendar, ClientScene.Read);
        List<AITool> tools = [list, AIFunctionFactory.Create(() => "noon", "time_of_day")];
        var calls = new ChatMessage(ChatRole.Assistant, [
            new FunctionCallContent("call-1", "list_events", new Dictionary<string, object?> { ["day"] = "Monday" }),
            new FunctionCallContent("call-2", "time_of_day"),
        ]);
        using var model = new ScriptedModel(calls, new ChatMessage(ChatRole.Assistant, "One event, and it is noon."));
        using var client = Client(model, services);
        List<ChatMessage> messages = [new(ChatRole.User, "What is on?")];

        messages.AddMessages(await client.GetResponseAsync(messages, new ChatOptions { Tools = tools }));

        messages.Interrupts().ShouldHaveSingleItem().Failure.ShouldBe(null, "it is read out of the JSON that the conversation keeps");
        messages[^1].Contents.Count.ShouldBe(1);
        (await messages.ResumeAsync(tools, services)).ShouldHaveSingleItem();
        messages[^1].Contents.Count.ShouldBe(1, "nothing goes on before the user has acted");

        await user.ConnectAsync(scene.Client);
        (await messages.ResumeAsync(tools, services)).ShouldBeEmpty();
        var response = await client.GetResponseAsync(messages, new ChatOptions { Tools = tools });

        response.Text.ShouldBe("One event, and it is noon.");
        Results(model.Seen).ShouldBe(["1 event on Monday", "noon"]);
        scene.Provider.UserOf(used!).ShouldBe("ada");
        JsonSerializer.Serialize(model.Seen, AIJsonUtilities.DefaultOptions).ShouldNotContain(used!);
    }

    [Fact]
    public async Task Without_the_hook_the_interrupt_is_found_all_the_same()
    {
        var user = await scene.NewUserAsync();
        await using var services = Services(user);
        var list = AIFunctionFactory.Create(() => "1 event", "list_events").WithTokenVault(ClientScene.Calendar, ClientScene.Read);
        using var model = new ScriptedModel(
            new(ChatRole.Assistant, [new FunctionCallContent("call-1", "list_events")]), new(ChatRole.Assistant, "It failed."), new(ChatRole.Assistant, "One event."));
        using var client = model.AsBuilder().UseFunctionInvocation().Build(services);
        var options = new ChatOptions { Tools = [list] };
        List<ChatMessage> messages = [new(ChatRole.User, "What is on?")];

        var response = await client.GetResponseAsync(messages, options);

        response.Text.ShouldBe("It failed.");
        response.Messages.Interrupts().ShouldHaveSingleItem().Failure.ShouldBe(TokenVaultFailure.NotConnected);
        messages.AddMessages(response);
        await user.ConnectAsync(scene.Client);
        (await messages.ResumeAsync([list], services)).ShouldBeEmpty();
        (await client.GetResponseAsync(messages, options)).Text.ShouldBe("One event.");
        Results(model.Seen).ShouldBe(["1 event"]);
    }

    [Fact]
    public async Task The_README_prints_what_was_tested()
    {
        var source = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "test/TokenVault.Client.Tests/Loop/FunctionInvokerTests.cs"));
        var page = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "src/TokenVault.Client/README.md"));
        var tested = source.Split("// hook\n")[1].Split("        // end")[0].Split('\n').Select(line => line.StartsWith("        ", StringComparison.Ordinal) ? line[8..] : line);
        page.ShouldContain(string.Join('\n', tested).TrimEnd());
    }

    private static IChatClient Client(IChatClient chatClient, IServiceProvider services)
    {
        // hook
        var client = chatClient.AsBuilder().UseFunctionInvocation(configure: c => c.FunctionInvoker = async (context, cancellationToken) =>
        {
            try
            {
                return await context.Function.InvokeAsync(context.Arguments, cancellationToken);
            }
            catch (TokenVaultInterrupt interrupt)
            {
                context.Terminate = true;
                return interrupt.ToJson();
            }
        }).Build(services);
        // end
        return client;
    }

    private ServiceProvider Services(ClientUser user) => new ServiceCollection()
        .AddSingleton(scene.Client)
        .AddSingleton<ISubjectTokenSource>(new Fixed(user.Subject))
        .BuildServiceProvider();

    private static IEnumerable<string?> Results(IEnumerable<ChatMessage> messages) =>
        messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Select(result => result.Result?.ToString());

    private sealed class Fixed(SubjectToken subject) : ISubjectTokenSource
    {
        public ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SubjectToken?>(subject);
    }
}
