namespace TokenVault.Server;

/// <summary>The server as an MCP server, for agents. Off unless it is switched on.</summary>
internal sealed class McpOptions
{
    /// <summary>The endpoint's path. Its address, with the issuer before it, is the audience of its tokens (RFC 8707).</summary>
    public const string Path = "/mcp";

    public bool Enabled { get; set; }

    /// <summary>
    /// Where <c>call_on_behalf</c> may send users' tokens; nowhere by default. In the configuration and not in a connection: whoever holds a
    /// token of the Management API must not have them sent to a host of theirs (T-MG-01).
    /// </summary>
    public IReadOnlyList<CallPermit> Calls { get; set; } = [];

    public static string Audience(string issuer) => issuer + Path[1..];

    /// <param name="Connection">The connection's name.</param>
    /// <param name="BaseUrls">Each ends with a slash; what may be called begins with one of them.</param>
    internal sealed record CallPermit(string Connection, IReadOnlyList<string> BaseUrls);
}
