namespace TokenVault.Client.Agents;

/// <summary>The provider's token, inside a tool that <see cref="AgentTools"/> has wrapped. The model never sees it.</summary>
public static class ToolToken
{
    private static readonly AsyncLocal<ProviderToken?> Ambient = new();

    /// <summary>The token of the tool that is running. Inside a tool within a tool: the inner one's.</summary>
    /// <exception cref="InvalidOperationException">No wrapped tool is running.</exception>
    public static ProviderToken Current =>
        Ambient.Value ?? throw new InvalidOperationException("No tool with a token is running: wrap the function by WithTokenVault.");

    internal static Scope Enter(ProviderToken token)
    {
        var before = Ambient.Value;
        Ambient.Value = token;
        return new Scope(before);
    }

    internal readonly struct Scope(ProviderToken? before) : IDisposable
    {
        public void Dispose() => Ambient.Value = before;
    }
}
