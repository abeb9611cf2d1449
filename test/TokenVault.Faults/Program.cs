using TokenVault.Faults.Nodes;

namespace TokenVault.Faults;

/// <summary>The fault harness; and, with the verb <c>node</c>, one of its server processes.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args is [NodeHost.Verb, .. var node])
        {
            return await NodeHost.RunAsync(node);
        }

        return await Harness.RunAsync(args);
    }
}
