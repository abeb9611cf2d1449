using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using TokenVault.Client.Agents;

namespace TokenVault.Client.Mcp;

/// <summary>A tool of an MCP server that runs with a provider's token of the current user.</summary>
internal sealed class TokenVaultTool(McpServerTool inner, ToolOptions options, TokenRequest wanted) : DelegatingMcpServerTool(inner)
{
    /// <summary>The name that the answer to the question goes by (2026-07-28: multi round-trip requests).</summary>
    private const string Question = "connect";

    /// <summary>The first revision in which a server asks its client by the answer.</summary>
    private const string FirstWithoutRequests = "2026-07-28";

    private readonly McpServerTool _inner = inner;

    public override async ValueTask<CallToolResult> InvokeAsync(RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var answer = request.Params?.InputResponses?.TryGetValue(Question, out var response) == true
            ? response.Deserialize(InputResponse.ElicitResultJsonTypeInfo)
            : null;
        if (answer is { IsAccepted: false })
        {
            return Declined();
        }

        if (answer is not null && UserOf(request) is { } user)
        {
            await Services(request).GetRequiredService<ConnectInvitations>().WaitAsync(request.Params!.RequestState, user, cancellationToken);
        }

        var (result, interrupt) = await RunAsync(request, cancellationToken);
        if (interrupt is null)
        {
            return result!;
        }

        // Who has been sent once in this call is not sent again.
        return answer is null ? await SendAsync(request, interrupt, cancellationToken) : Error(Text(interrupt, "They have not, so far. Call the tool again when they have."));
    }

    /// <returns>The result, or why the user has to connect.</returns>
    private async Task<(CallToolResult? Result, TokenVaultInterrupt? Interrupt)> RunAsync(RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken)
    {
        var run = new ToolRun(_inner, request).WithTokenVault(options, wanted.Connection, wanted.Scopes);
        try
        {
            return ((CallToolResult?)await run.InvokeAsync(new AIFunctionArguments { Services = Services(request) }, cancellationToken), null);
        }
        catch (ApprovalInterrupt approval)
        {
            return (Error(approval.ToJson().GetRawText()), null);
        }
        catch (TokenVaultInterrupt interrupt)
        {
            return (null, interrupt);
        }
        catch (TokenVaultException e)
        {
            return (Error($"{e.Failure}: {e.Message}"), null);
        }
    }

    /// <summary>Has the client send the user to connect, in whichever way its revision of the protocol has.</summary>
    private async Task<CallToolResult> SendAsync(RequestContext<CallToolRequestParams> request, TokenVaultInterrupt interrupt, CancellationToken cancellationToken)
    {
        if (UserOf(request) is not { } user)
        {
            return Error(Text(interrupt, "The call says of no user for whom it is made, so nobody can be sent."));
        }

        // In sessions of earlier revisions the library would do as if, without a word to the client when the user is done.
        var server = request.Server;
        var canShow = server.ClientCapabilities?.Elicitation?.Url is not null;
        var isAnswered = server.IsMrtrSupported && string.CompareOrdinal(server.NegotiatedProtocolVersion, FirstWithoutRequests) >= 0;
        var invitations = Services(request).GetRequiredService<ConnectInvitations>();
        var (invitation, url) = invitations.Invite(user, wanted.Connection, interrupt.RequiredScopes, id => canShow && !isAnswered ? CompletedAsync(server, id) : Task.CompletedTask);
        if (!canShow)
        {
            return Error(Text(interrupt, $"This client cannot send them. They can do it in a browser at {url} and then you call the tool again."));
        }

        var elicitation = new ElicitRequestParams { Mode = "url", ElicitationId = invitation.Id, Url = url, Message = Text(interrupt, "") };
        return isAnswered
            ? throw new InputRequiredException(new Dictionary<string, InputRequest> { [Question] = InputRequest.ForElicitation(elicitation) }, invitation.Id)
            : await AskAsync(request, elicitation, user, cancellationToken);
    }

    /// <summary>As up to 2025-11-25: the call goes on when the user is back, or ends with the address.</summary>
    private async Task<CallToolResult> AskAsync(
        RequestContext<CallToolRequestParams> request, ElicitRequestParams elicitation, string user, CancellationToken cancellationToken)
    {
        var invitations = Services(request).GetRequiredService<ConnectInvitations>();
        if (invitations.Wait > TimeSpan.Zero)
        {
            if (!(await request.Server.ElicitAsync(elicitation, cancellationToken)).IsAccepted)
            {
                return Declined();
            }

            if (await invitations.WaitAsync(elicitation.ElicitationId, user, cancellationToken))
            {
                var (result, again) = await RunAsync(request, cancellationToken);
                return again is null ? result! : Error(Text(again, "They came back without having done so."));
            }
        }

        throw new UrlElicitationRequiredException(elicitation.Message, [elicitation]);
    }

    /// <summary>Only of use to clients that wait for it; one that is gone meanwhile is none.</summary>
    private static async Task CompletedAsync(McpServer server, string id)
    {
        try
        {
            await server.SendNotificationAsync(
                NotificationMethods.ElicitationCompleteNotification, new ElicitationCompleteNotificationParams { ElicitationId = id }, McpJsonUtilities.DefaultOptions);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or McpException or OperationCanceledException)
        {
            // The session has ended.
        }
    }

    private static string? UserOf(RequestContext<CallToolRequestParams> request)
    {
        var services = Services(request);
        var user = request.User ?? services.GetRequiredService<IHttpContextAccessor>().HttpContext?.User;
        return user?.Identity?.IsAuthenticated == true ? services.GetRequiredService<IOptions<TokenVaultMcpOptions>>().Value.UserId(user) : null;
    }

    private static IServiceProvider Services(RequestContext<CallToolRequestParams> request) =>
        request.Services ?? throw new InvalidOperationException("The MCP server has no services: create it with those of the application.");

    private static string Text(TokenVaultInterrupt interrupt, string then) =>
        $"{(interrupt.RequiredScopes.Count == 0 ? $"The user has to connect their account at {interrupt.Connection}." : $"The user has to connect their account at {interrupt.Connection}, with {string.Join(' ', interrupt.RequiredScopes)}.")} {then}".TrimEnd();

    private static CallToolResult Declined() => Error("The user does not want to connect an account now.");

    private static CallToolResult Error(string text) => new() { IsError = true, Content = [new TextContentBlock { Text = text }] };
}
