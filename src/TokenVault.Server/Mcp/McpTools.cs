using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using TokenVault.Server.Accounts;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Mcp;

/// <summary>What an agent can do here for its user, in the words that a model reads.</summary>
internal sealed class McpTools(MyAccountLists lists, ConnectLinks links, OnBehalfCall calls)
{
    private const string ListConnections = "list_connections";
    private const string ListAccounts = "list_connected_accounts";
    private const string ConnectLink = "get_connect_link";
    private const string CallOnBehalf = "call_on_behalf";

    private const int LongestBody = 32 * 1024;

    /// <summary>The name that the answer to a request for the user's doing goes by.</summary>
    private const string Question = "connect";

    public static IList<Tool> All { get; } =
    [
        Tool(ListConnections, "Lists the providers at which the user can connect an account, with what may be called there on their behalf.", readOnly: true, "{}"),
        Tool(ListAccounts, "Lists the accounts that the user has connected, with the scopes they have granted.", readOnly: true, "{}"),
        Tool(ConnectLink, "Gives a link at which the user, and nobody else, connects an account or grants more scopes. Show it to the user.", readOnly: true, """
            {"connection":{"type":"string","description":"Its name, from list_connections"},
             "scopes":{"type":"array","items":{"type":"string"},"description":"Left out: as the connection is configured"}}
            """, "connection"),
        Tool(CallOnBehalf, "Calls a provider's HTTP API with the user's access token, which is added by the server. Only addresses under the base_urls of list_connections.", readOnly: false, """
            {"connection":{"type":"string","description":"Its name, from list_connections"},
             "url":{"type":"string","description":"The whole address, with its query"},
             "method":{"type":"string","enum":["GET","POST","PUT","PATCH","DELETE"],"description":"Left out: GET"},
             "body":{"type":"string","description":"With POST, PUT and PATCH"},
             "content_type":{"type":"string","enum":["application/json","application/x-www-form-urlencoded","text/plain"],"description":"Of the body; left out: application/json"},
             "scopes":{"type":"array","items":{"type":"string"},"description":"What the account must have been granted"},
             "account":{"type":"string","description":"Which of several accounts: the user's id at the provider"}}
            """, "connection", "url"),
    ];

    /// <summary>The scope of a tool; null: there is no such tool.</summary>
    public static string? ScopeOf(string? tool) => tool switch
    {
        ListConnections or ListAccounts => Wire.ReadConnectedAccounts,
        ConnectLink => Wire.CreateConnectedAccounts,
        CallOnBehalf => Wire.UseConnectedAccounts,
        _ => null,
    };

    public async ValueTask<CallToolResult> CallAsync(McpCaller caller, RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken)
    {
        var arguments = new ToolArguments(request.Params?.Arguments);
        return request.Params?.Name switch
        {
            ListConnections => arguments.Finish() is { } problem ? ToolAnswer.Invalid(problem) : await ConnectionsAsync(caller, cancellationToken),
            ListAccounts => arguments.Finish() is { } problem ? ToolAnswer.Invalid(problem) : await AccountsAsync(caller, cancellationToken),
            ConnectLink => await LinkAsync(caller, arguments, cancellationToken),
            CallOnBehalf => await CallOnBehalfAsync(caller, arguments, request, cancellationToken),
            _ => ToolAnswer.Invalid("There is no such tool."),
        };
    }

    private async ValueTask<CallToolResult> ConnectionsAsync(McpCaller caller, CancellationToken cancellationToken)
    {
        var enabled = await lists.EnabledAsync(caller.Token, cancellationToken);
        return ToolAnswer.Of(new JsonObject
        {
            ["connections"] = WireJson.Array(enabled.OrderBy(connection => connection.Name, StringComparer.Ordinal).Select(connection => new JsonObject
            {
                ["name"] = connection.Name,
                ["display_name"] = connection.Label,
                ["scopes"] = WireJson.Texts(lists.ScopesOf(connection)),
                ["base_urls"] = WireJson.Texts(calls.BaseUrls(connection.Name)),
            })),
        });
    }

    private async ValueTask<CallToolResult> AccountsAsync(McpCaller caller, CancellationToken cancellationToken)
    {
        var accounts = await lists.OfAsync(caller.Token, cancellationToken);
        return ToolAnswer.Of(new JsonObject
        {
            ["accounts"] = WireJson.Array(accounts.OrderBy(account => account.Id, StringComparer.Ordinal).Select(account => new JsonObject
            {
                ["id"] = account.Id,
                ["connection"] = account.Connection,
                ["scopes"] = WireJson.Texts(account.Scopes),
                ["created_at"] = WireJson.Date(account.CreatedAt),
            })),
        });
    }

    private async ValueTask<CallToolResult> LinkAsync(McpCaller caller, ToolArguments arguments, CancellationToken cancellationToken)
    {
        var (connection, scopes) = (arguments.Text("connection", 128, required: true), arguments.Scopes("scopes"));
        if (arguments.Finish() is { } problem)
        {
            return ToolAnswer.Invalid(problem);
        }

        return await LinkForAsync(caller, connection!, scopes, cancellationToken) is { } link
            ? ToolAnswer.Of(new JsonObject { ["url"] = link, ["expires_in"] = (int)ConnectLinks.Lifetime.TotalSeconds })
            : ToolAnswer.Invalid("The connection does not exist, or is not enabled for this client.");
    }

    private async ValueTask<CallToolResult> CallOnBehalfAsync(
        McpCaller caller, ToolArguments arguments, RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken)
    {
        var call = new CallRequest(
            arguments.Text("connection", 128, required: true) ?? "",
            arguments.OneOf("method", "GET", "POST", "PUT", "PATCH", "DELETE"),
            arguments.Text("url", 2048, required: true) ?? "",
            arguments.Text("body", LongestBody),
            arguments.OneOf("content_type", "application/json", "application/x-www-form-urlencoded", "text/plain"),
            arguments.Scopes("scopes"),
            arguments.Text("account", 512));
        if (arguments.Finish() is { } problem)
        {
            return ToolAnswer.Invalid(problem);
        }

        if (call.Body is not null && call.Method is "GET" or "DELETE")
        {
            return ToolAnswer.Invalid($"{call.Method} has no body.");
        }

        var (answer, refusal) = await calls.RunAsync(caller, call, cancellationToken);
        return answer ?? await RefusedAsync(caller, call, refusal!, request, cancellationToken);
    }

    /// <summary>Where the user can mend it, they are sent to do so: by the client, if it shows addresses (URL mode), or by the model's words.</summary>
    private async ValueTask<CallToolResult> RefusedAsync(
        McpCaller caller, CallRequest call, OAuthError refusal, RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken)
    {
        var mendable = refusal.Reason is FailureReason.NotConnected or FailureReason.ReauthorizationRequired or FailureReason.InsufficientScope;
        if (!mendable || !caller.Scopes.Contains(Wire.CreateConnectedAccounts, StringComparer.Ordinal)
            || await LinkForAsync(caller, call.Connection, call.Scopes, cancellationToken) is not { } link)
        {
            return ToolAnswer.Of(refusal, link: null);
        }

        // Asked once: who has been sent there, and is back without an account, hears why from the model.
        if (!request.Server.IsMrtrSupported || request.Server.ClientCapabilities?.Elicitation?.Url is null || request.Params?.InputResponses?.ContainsKey(Question) == true)
        {
            return ToolAnswer.Of(refusal, link);
        }

        var elicitation = new ElicitRequestParams
        {
            Mode = "url",
            ElicitationId = Identifier.Secret(),
            Url = link,
            Message = $"Connect your account at {call.Connection}.",
        };
        throw new InputRequiredException(new Dictionary<string, InputRequest> { [Question] = InputRequest.ForElicitation(elicitation) });
    }

    private async ValueTask<string?> LinkForAsync(McpCaller caller, string connection, IReadOnlyList<string> scopes, CancellationToken cancellationToken)
    {
        var enabled = await lists.EnabledAsync(caller.Token, cancellationToken);
        return enabled.Any(one => one.Name == connection) ? links.For(caller, connection, scopes) : null;
    }

    private static Tool Tool(string name, string description, bool readOnly, string properties, params string[] required) => new()
    {
        Name = name,
        Description = description,
        InputSchema = JsonElement.Parse($$"""
            {"type":"object","properties":{{properties}},"required":[{{string.Join(',', required.Select(member => $"\"{member}\""))}}],"additionalProperties":false}
            """),
        Annotations = new ToolAnnotations { ReadOnlyHint = readOnly, OpenWorldHint = !readOnly, DestructiveHint = !readOnly },
    };
}
