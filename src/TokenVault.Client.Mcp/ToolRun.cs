using Microsoft.Extensions.AI;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace TokenVault.Client.Mcp;

/// <summary>One call of an MCP tool as a function, so that it is wrapped as every other tool is.</summary>
internal sealed class ToolRun(McpServerTool tool, RequestContext<CallToolRequestParams> request) : AIFunction
{
    public override string Name => tool.ProtocolTool.Name;

    protected override async ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
        await tool.InvokeAsync(request, cancellationToken);
}
