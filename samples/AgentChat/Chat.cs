using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Client.Agents;

namespace AgentChat;

/// <summary>
/// A conversation: the model asks for tools, the tools run, and where one is interrupted the user acts and it goes on. With
/// Microsoft.Extensions.AI, <c>UseFunctionInvocation</c> does the first half.
/// </summary>
internal sealed class Chat(IChatClient model, IReadOnlyList<AIFunction> tools, IServiceProvider services)
{
    private readonly List<ChatMessage> _messages = [];
    private readonly Connecting _connecting = services.GetRequiredService<Connecting>();
    private readonly TimeProvider _time = services.GetRequiredService<TimeProvider>();

    public async Task<string> AskAsync(string text, CancellationToken cancellationToken)
    {
        _messages.Add(new ChatMessage(ChatRole.User, text));
        while (true)
        {
            var response = await model.GetResponseAsync(_messages, new ChatOptions { Tools = [.. tools] }, cancellationToken);
            _messages.AddMessages(response);
            FunctionCallContent[] calls = [.. response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()];
            if (calls.Length == 0)
            {
                return response.Text;
            }

            foreach (var call in calls)
            {
                _messages.Add(new ChatMessage(ChatRole.Tool, [await RunAsync(call, cancellationToken)]));
            }

            await ActAsync(cancellationToken);
        }
    }

    private async Task<FunctionResultContent> RunAsync(FunctionCallContent call, CancellationToken cancellationToken)
    {
        try
        {
            var arguments = new AIFunctionArguments(call.Arguments) { Services = services };
            return new FunctionResultContent(call.CallId, await tools.Single(tool => tool.Name == call.Name).InvokeAsync(arguments, cancellationToken));
        }
        catch (TokenVaultInterrupt interrupt)
        {
            return new FunctionResultContent(call.CallId, interrupt.ToJson()) { Exception = interrupt };
        }
    }

    /// <summary>Until nothing is interrupted: the user connects or approves, and the calls are made again. Or they do not, and that is the result.</summary>
    private async Task ActAsync(CancellationToken cancellationToken)
    {
        var interrupts = _messages.Interrupts();
        while (interrupts.Count > 0)
        {
            foreach (var interrupt in interrupts)
            {
                if (!await MendAsync(interrupt, cancellationToken))
                {
                    GiveUp(interrupt);
                }
            }

            interrupts = await _messages.ResumeAsync(tools, services, cancellationToken);
        }
    }

    private async Task<bool> MendAsync(TokenVaultInterrupt interrupt, CancellationToken cancellationToken)
    {
        if (interrupt is not ApprovalInterrupt approval)
        {
            return await _connecting.ConnectAsync(interrupt, cancellationToken);
        }

        if (!approval.IsPending)
        {
            return false;
        }

        Console.WriteLine($"Approve it: {approval.Approval!.ApprovalUri}");
        await Task.Delay(approval.RetryAfter ?? approval.Approval.Interval, _time, cancellationToken);
        return true;
    }

    private void GiveUp(TokenVaultInterrupt interrupt)
    {
        foreach (var contents in _messages.Select(message => message.Contents))
        {
            for (var i = 0; i < contents.Count; i++)
            {
                if (contents[i] is FunctionResultContent { Exception: { } e } result && e == interrupt)
                {
                    contents[i] = new FunctionResultContent(result.CallId, "it was not done, since the user did not agree");
                }
            }
        }
    }
}
