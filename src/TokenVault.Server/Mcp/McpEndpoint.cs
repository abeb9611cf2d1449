using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Http;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Mcp;

/// <summary>
/// The server as an MCP server, over streamable HTTP without sessions: each request is a whole conversation, so that any node answers it.
/// The protocol itself, in all its revisions, is the library's.
/// </summary>
internal sealed class McpEndpoint(McpGate gate, McpTools tools, ConnectPages pages, TokenVaultOptions options, ILogger<McpEndpoint> logger)
{
    private static readonly JsonTypeInfo<JsonRpcMessage> MessageType = (JsonTypeInfo<JsonRpcMessage>)McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(JsonRpcMessage));

    public void Map(IEndpointRouteBuilder routes)
    {
        if (!options.Mcp.Enabled)
        {
            return;
        }

        routes.MapPost(McpOptions.Path, AnswerAsync);
        routes.MapMethods(McpOptions.Path, ["GET", "DELETE"], context =>
        {
            // There is no stream to open and no session to end.
            context.Response.Headers.Allow = "POST";
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return Task.CompletedTask;
        });
        routes.MapGet(McpGate.MetadataPath + McpOptions.Path, WriteMetadataAsync);
        pages.Map(routes);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (await gate.AdmitAsync(context) is not { } caller)
        {
            return;
        }

        if (await ReadAsync(context) is not { } message)
        {
            await WriteErrorAsync(context, "The body is not a JSON-RPC message.");
            return;
        }

        if (HeaderProblem(context.Request, message) is { } problem)
        {
            await WriteErrorAsync(context, problem);
            return;
        }

        if (ToolOf(message) is { } tool && McpTools.ScopeOf(tool) is { } scope && !await gate.HasAsync(context, caller, scope))
        {
            return;
        }

        // The library's own log is not asked for: at its finest it holds whole messages (T-AU-01).
        message.Context = new JsonRpcMessageContext { ProtocolVersion = context.Request.Headers["MCP-Protocol-Version"] };
        await using var transport = new StreamableHttpServerTransport { Stateless = true };
        await using var server = McpServer.Create(transport, Settings(caller), loggerFactory: null, context.RequestServices);
        var running = server.RunAsync(context.RequestAborted);
        context.Response.ContentType = "text/event-stream";
        if (!await transport.HandlePostRequestAsync(message, context.Response.Body, context.RequestAborted))
        {
            context.Response.ContentType = null;
            context.Response.StatusCode = StatusCodes.Status202Accepted;
        }

        await transport.DisposeAsync();
        await running;
    }

    private McpServerOptions Settings(McpCaller caller) => new()
    {
        ServerInfo = new Implementation { Name = "Token Vault", Version = "0.1.0" },
        ServerInstructions = "Acts at other services with accounts that the user has connected. Where an account or a scope is missing, give the user the link.",
        ScopeRequests = false,
        Capabilities = new ServerCapabilities { Tools = new ToolsCapability() },
        Handlers = new McpServerHandlers
        {
            ListToolsHandler = (_, _) => ValueTask.FromResult(new ListToolsResult { Tools = McpTools.All }),
            CallToolHandler = (request, cancellationToken) => CallAsync(caller, request, cancellationToken),
        },
    };

    /// <summary>A bug, or a store that is away: as elsewhere, the log learns what happened, the caller only that it did.</summary>
    private async ValueTask<CallToolResult> CallAsync(McpCaller caller, RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken)
    {
        try
        {
            return await tools.CallAsync(caller, request, cancellationToken);
        }
        catch (Exception e) when (e is not (InputRequiredException or OperationCanceledException))
        {
            Log.UnexpectedFailure(logger, e, RequestMethods.ToolsCall, McpOptions.Path);
            return ToolAnswer.Failed(FailureReason.TemporarilyUnavailable, "The server cannot answer now. Try again later.");
        }
    }

    /// <summary>Strictly, as every body here; the library reads what has passed.</summary>
    private static async Task<JsonRpcMessage?> ReadAsync(HttpContext context)
    {
        var body = await JsonBody.ReadAsync(context.Request, context.RequestAborted);
        try
        {
            return body.Error is null && !IsAmbiguous(body.Root) ? body.Root.Deserialize(MessageType) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The library takes members in any case: of two that differ in it only, one would be looked at and the other obeyed.</summary>
    private static bool IsAmbiguous(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().Select(member => member.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count() < json.GetPropertyCount()
            || json.EnumerateObject().Any(member => IsAmbiguous(member.Value)),
        JsonValueKind.Array => json.EnumerateArray().Any(IsAmbiguous),
        _ => false,
    };

    /// <summary>What stands in both must be the same, or a proxy that goes by the headers lets through what it should not.</summary>
    private static string? HeaderProblem(HttpRequest request, JsonRpcMessage message)
    {
        var (method, name) = (request.Headers["Mcp-Method"].ToString(), request.Headers["Mcp-Name"].ToString());
        var told = (message as JsonRpcRequest)?.Method ?? (message as JsonRpcNotification)?.Method;
        return (method.Length > 0 && method != told) || (name.Length > 0 && ToolOf(message) is { } tool && name != tool)
            ? "The headers Mcp-Method and Mcp-Name are not those of the body."
            : null;
    }

    private static string? ToolOf(JsonRpcMessage message) =>
        message is JsonRpcRequest { Method: RequestMethods.ToolsCall, Params: JsonObject parameters }
        && parameters["name"] is JsonValue value && value.TryGetValue<string>(out var name) ? name : null;

    private static Task WriteErrorAsync(HttpContext context, string problem) =>
        OAuthResponse.WriteAsync(context, 400, writer =>
        {
            writer.WriteString("jsonrpc", "2.0");
            writer.WriteNull("id");
            writer.WriteStartObject("error");
            writer.WriteNumber("code", (int)McpErrorCode.InvalidRequest);
            writer.WriteString("message", problem);
            writer.WriteEndObject();
        });

    /// <summary>RFC 9728 §3.2.</summary>
    private Task WriteMetadataAsync(HttpContext context) => OAuthResponse.WriteAsync(context, 200, writer =>
    {
        writer.WriteString("resource", McpOptions.Audience(options.Issuer));
        writer.WriteString("resource_name", "Token Vault");
        Write("authorization_servers", options.Issuer);
        Write("bearer_methods_supported", "header");
        Write("scopes_supported", Wire.ReadConnectedAccounts, Wire.CreateConnectedAccounts, Wire.UseConnectedAccounts);
        Write("dpop_signing_alg_values_supported", [.. DpopProof.Algorithms]);

        void Write(string name, params IEnumerable<string> values)
        {
            writer.WriteStartArray(name);
            foreach (var value in values)
            {
                writer.WriteStringValue(value);
            }

            writer.WriteEndArray();
        }
    });
}
