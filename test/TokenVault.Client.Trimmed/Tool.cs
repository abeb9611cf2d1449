using Microsoft.Extensions.AI;
using TokenVault.Client.Agents;

namespace TokenVault.Client.Trimmed;

/// <summary>Made without reflection, as trimmed programs make them.</summary>
internal sealed class Tool : AIFunction
{
    public override string Name => "connection";

    protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
        ValueTask.FromResult<object?>(ToolToken.Current.Connection);
}
