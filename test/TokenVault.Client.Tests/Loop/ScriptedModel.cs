using Microsoft.Extensions.AI;

namespace TokenVault.Client.Tests.Loop;

/// <summary>A model that says what the test says, one answer after the other, and refuses a conversation with a call that has no result, as real ones do.</summary>
internal sealed class ScriptedModel(params ChatMessage[] answers) : IChatClient
{
    private int _answered;

    /// <summary>What it was last shown.</summary>
    public IReadOnlyList<ChatMessage> Seen { get; private set; } = [];

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Seen = [.. messages];
        var contents = Seen.SelectMany(message => message.Contents).ToList();
        contents.OfType<FunctionResultContent>().Select(result => result.CallId)
            .ShouldBe(contents.OfType<FunctionCallContent>().Select(call => call.CallId), ignoreOrder: true);
        return Task.FromResult(new ChatResponse(answers[_answered++]));
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
