using Microsoft.Extensions.AI;

namespace TokenVault.Client.Tests.Loop;

// Microsoft.Extensions.AI, which has the loop that runs tools, does not restore for this project (decision 0014). These stand for what our
// documentation uses of it: the same names, and the same behaviour as far as interrupts go.

/// <summary>Runs the tools that a model asks for, one after the other, and asks it again with their results.</summary>
internal sealed class FunctionInvokingChatClient(IChatClient inner, IServiceProvider? services) : DelegatingChatClient(inner)
{
    public Func<FunctionInvocationContext, CancellationToken, ValueTask<object?>>? FunctionInvoker { get; set; }

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        List<ChatMessage> history = [.. messages];
        List<ChatMessage> added = [];
        while (true)
        {
            var response = await base.GetResponseAsync(history, options, cancellationToken);
            added.AddRange(response.Messages);
            FunctionCallContent[] calls = [.. response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()];
            if (calls.Length == 0)
            {
                return new ChatResponse(added);
            }

            var (results, terminated) = await RunAsync(calls, options?.Tools ?? [], cancellationToken);
            added.Add(new ChatMessage(ChatRole.Tool, results));
            if (terminated)
            {
                return new ChatResponse(added);
            }

            history = [.. messages, .. added];
        }
    }

    /// <summary>What comes after a call that ends the turn is not run, and has no result.</summary>
    private async Task<(List<AIContent> Results, bool Terminated)> RunAsync(
        FunctionCallContent[] calls, IList<AITool> tools, CancellationToken cancellationToken)
    {
        var results = new List<AIContent>();
        foreach (var call in calls)
        {
            var context = new FunctionInvocationContext
            {
                Function = tools.OfType<AIFunction>().Single(tool => tool.Name == call.Name),
                Arguments = new AIFunctionArguments(call.Arguments) { Services = services },
            };
            try
            {
                var result = await (FunctionInvoker?.Invoke(context, cancellationToken) ?? context.Function.InvokeAsync(context.Arguments, cancellationToken));
                results.Add(new FunctionResultContent(call.CallId, result));
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                // The model is told no more than this.
                results.Add(new FunctionResultContent(call.CallId, "Error: Function failed.") { Exception = e });
            }

            if (context.Terminate)
            {
                return (results, true);
            }
        }

        return (results, false);
    }
}

internal sealed class FunctionInvocationContext
{
    public required AIFunction Function { get; init; }

    public required AIFunctionArguments Arguments { get; init; }

    public bool Terminate { get; set; }
}

internal sealed class ChatClientBuilder(IChatClient inner)
{
    private Action<FunctionInvokingChatClient>? _configure;

    public ChatClientBuilder UseFunctionInvocation(Action<FunctionInvokingChatClient>? configure = null)
    {
        _configure = configure;
        return this;
    }

    public IChatClient Build(IServiceProvider? services = null)
    {
        var client = new FunctionInvokingChatClient(inner, services);
        _configure?.Invoke(client);
        return client;
    }
}

internal static class ChatClientBuilderExtensions
{
    public static ChatClientBuilder AsBuilder(this IChatClient client) => new(client);
}
