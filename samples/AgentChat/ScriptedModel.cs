using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace AgentChat;

/// <summary>Stands where a model would: it understands two sentences, and calls a tool for each.</summary>
internal sealed partial class ScriptedModel : IChatClient
{
    private int _calls;

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ChatResponse(Answer(messages.Last())));

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private ChatMessage Answer(ChatMessage last)
    {
        if (last.Contents.OfType<FunctionResultContent>().LastOrDefault() is { } result)
        {
            return new ChatMessage(ChatRole.Assistant, $"Agent: {result.Result}.");
        }

        return Booking().Match(last.Text) is { Success: true } booking
            ? Call("add_event", new() { ["title"] = booking.Groups[1].Value, ["at"] = booking.Groups[2].Value })
            : last.Text.Contains("what is on", StringComparison.OrdinalIgnoreCase)
                ? Call("list_events", [])
                : new ChatMessage(ChatRole.Assistant, "Agent: I know calendars only.");
    }

    private ChatMessage Call(string tool, Dictionary<string, object?> arguments) =>
        new(ChatRole.Assistant, [new FunctionCallContent($"call-{++_calls}", tool, arguments)]);

    [GeneratedRegex("^book (.+) at ([0-9:]+)", RegexOptions.IgnoreCase)]
    private static partial Regex Booking();
}
