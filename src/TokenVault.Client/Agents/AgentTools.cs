using System.Text.Json;
using Microsoft.Extensions.AI;

namespace TokenVault.Client.Agents;

/// <summary>AI functions that act for their users at providers.</summary>
public static class AgentTools
{
    /// <summary>
    /// Runs the function with a token of the current user for the connection, which it finds at <see cref="ToolToken.Current"/>. Name,
    /// description and schema stay the function's own: the model sees no token. When the user has to connect, or to grant more, or the provider
    /// refuses the token, the call throws a <see cref="TokenVaultInterrupt"/>; other failures are the <see cref="TokenVaultException"/>.
    /// </summary>
    /// <param name="function">The tool.</param>
    /// <param name="connection">The connection's name.</param>
    /// <param name="scopes">What the token must be good for.</param>
    public static AIFunction WithTokenVault(this AIFunction function, string connection, params IEnumerable<string> scopes) =>
        function.WithTokenVault(new ToolOptions(), connection, scopes);

    /// <summary>As the other, with options.</summary>
    /// <param name="function">The tool.</param>
    /// <param name="options">The client, the user, the account.</param>
    /// <param name="connection">The connection's name.</param>
    /// <param name="scopes">What the token must be good for.</param>
    public static AIFunction WithTokenVault(this AIFunction function, ToolOptions options, string connection, params IEnumerable<string> scopes)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(options);
        return new TokenVaultFunction(function, new TokenRequest(connection, scopes) { LoginHint = options.LoginHint }, options);
    }

    /// <summary>
    /// Runs the function only when the user has approved this call (CIBA). The first call asks them and throws an
    /// <see cref="ApprovalInterrupt"/>; the same call, made again, looks whether they have answered. An approval is good for one run.
    /// </summary>
    /// <param name="function">The tool.</param>
    /// <param name="ask">Who is asked what, from the call's arguments.</param>
    /// <param name="vault">The client. Null: the one among the services of the call.</param>
    /// <remarks>The approvals that are under way are kept in the returned function: keep it as long as the conversation.</remarks>
    public static AIFunction WithApproval(this AIFunction function, Func<AIFunctionArguments, ApprovalRequest> ask, TokenVaultClient? vault = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(ask);
        return new ApprovalFunction(function, ask, vault);
    }

    /// <summary>The interrupts among a conversation's tool results that nobody has acted on yet.</summary>
    /// <param name="messages">The conversation, or a response's messages.</param>
    public static IReadOnlyList<TokenVaultInterrupt> Interrupts(this IEnumerable<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return [.. messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Select(Interrupt).OfType<TokenVaultInterrupt>()];
    }

    /// <summary>
    /// After the user has acted: makes the interrupted calls again and puts their results in place of the interrupts; what the model had called
    /// beside, and an interrupt kept from running, runs now. What is interrupted once more stays so. Afterwards the conversation goes to the
    /// model.
    /// </summary>
    /// <param name="messages">The conversation, with the calls and their interrupted results.</param>
    /// <param name="tools">The tools that the calls name.</param>
    /// <param name="services">For the tools; null: none.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    /// <returns>The interrupts that remain: none when the conversation can go on.</returns>
    public static async Task<IReadOnlyList<TokenVaultInterrupt>> ResumeAsync(
        this IList<ChatMessage> messages, IEnumerable<AITool> tools, IServiceProvider? services = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ArgumentNullException.ThrowIfNull(tools);
        var functions = tools.OfType<AIFunction>().ToDictionary(function => function.Name, StringComparer.Ordinal);
        var calls = messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToLookup(call => call.CallId, StringComparer.Ordinal);
        foreach (var contents in messages.Select(message => message.Contents))
        {
            for (var i = 0; i < contents.Count; i++)
            {
                if (contents[i] is FunctionResultContent result && Interrupt(result) is not null
                    && calls[result.CallId].LastOrDefault() is { } call && functions.TryGetValue(call.Name, out var function))
                {
                    contents[i] = await CallAsync(function, call, services, cancellationToken);
                }
            }
        }

        foreach (var (call, message) in LeftOver(messages))
        {
            if (messages.Interrupts().Count == 0 && functions.TryGetValue(call.Name, out var function))
            {
                message.Contents = [.. message.Contents, await CallAsync(function, call, services, cancellationToken)];
            }
        }

        return messages.Interrupts();
    }

    /// <summary>Calls without a result that were made beside others, since an interrupt ended the turn before them; and where the others' results are.</summary>
    private static List<(FunctionCallContent Call, ChatMessage Results)> LeftOver(IList<ChatMessage> messages)
    {
        var answered = messages
            .SelectMany(message => message.Contents.OfType<FunctionResultContent>(), (message, result) => (result.CallId, Message: message))
            .ToLookup(result => result.CallId, result => result.Message, StringComparer.Ordinal);
        return
        [
            .. from message in messages
            let calls = message.Contents.OfType<FunctionCallContent>().ToList()
            let beside = calls.SelectMany(call => answered[call.CallId]).LastOrDefault()
            where beside is not null
            from call in calls
            where !answered.Contains(call.CallId)
            select (call, beside),
        ];
    }

    private static TokenVaultInterrupt? Interrupt(FunctionResultContent result) =>
        result.Exception as TokenVaultInterrupt ?? result.Result as TokenVaultInterrupt ?? (result.Result is JsonElement json ? InterruptJson.Read(json) : null);

    private static async Task<FunctionResultContent> CallAsync(
        AIFunction function, FunctionCallContent call, IServiceProvider? services, CancellationToken cancellationToken)
    {
        var arguments = new AIFunctionArguments(call.Arguments ?? new Dictionary<string, object?>()) { Services = services };
        try
        {
            return new FunctionResultContent(call.CallId, await function.InvokeAsync(arguments, cancellationToken));
        }
        catch (TokenVaultInterrupt interrupt)
        {
            return new FunctionResultContent(call.CallId, interrupt.ToJson()) { Exception = interrupt };
        }
    }
}
