using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace TokenVault.Samples.McpServer;

/// <summary>Streamable HTTP without sessions. With the package ModelContextProtocol.AspNetCore, <c>MapMcp()</c> stands in its place.</summary>
internal static class McpHttp
{
    private static readonly JsonTypeInfo<JsonRpcMessage> MessageType = (JsonTypeInfo<JsonRpcMessage>)McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(JsonRpcMessage));

    public static async Task AnswerAsync(HttpContext context, IEnumerable<McpServerTool> tools)
    {
        JsonRpcMessage? message;
        try
        {
            message = await JsonSerializer.DeserializeAsync(context.Request.Body, MessageType, context.RequestAborted);
        }
        catch (JsonException)
        {
            message = null;
        }

        if (message is null)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        // Tools see who calls: by the message, and by the request that flows with it.
        message.Context = new JsonRpcMessageContext { ProtocolVersion = context.Request.Headers["MCP-Protocol-Version"], User = context.User };
        var options = new McpServerOptions { ServerInfo = new Implementation { Name = "Calendar", Version = "1.0" }, ScopeRequests = false, ToolCollection = [.. tools] };
        var loggers = context.RequestServices.GetRequiredService<ILoggerFactory>();
        await using var transport = new StreamableHttpServerTransport(loggers) { Stateless = true, FlowExecutionContextFromRequests = true };
        await using var server = ModelContextProtocol.Server.McpServer.Create(transport, options, loggers, context.RequestServices);
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
}
