using System.Security.Claims;

namespace TokenVault.Client.Mcp;

/// <summary>How an MCP server sends its users to connect.</summary>
public sealed class TokenVaultMcpOptions
{
    /// <summary>Where the pages are to which users are sent.</summary>
    public string Path { get; set; } = "/agent-connect";

    /// <summary>The prefix that <c>MapTokenVaultConnect</c> was given.</summary>
    public string ConnectPath { get; set; } = "/connect";

    /// <summary>
    /// How long a call waits for its user, once they have agreed to go: 0 to 10 minutes. Zero: not at all, and the client is told to make the call
    /// again when the user is done.
    /// </summary>
    public TimeSpan Wait { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// The user of an MCP request, and the one who is signed in in a browser: the same text for the same person, or they will not be let through.
    /// By default the claim <c>sub</c>, else the NameIdentifier: right where the same server signs both in.
    /// </summary>
    public Func<ClaimsPrincipal, string?> UserId { get; set; } = static user => (user.FindFirst("sub") ?? user.FindFirst(ClaimTypes.NameIdentifier))?.Value;
}
