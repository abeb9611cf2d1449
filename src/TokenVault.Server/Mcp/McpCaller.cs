using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;

namespace TokenVault.Server.Mcp;

/// <summary>Who calls a tool, verified: a user, through a client.</summary>
/// <param name="Scopes">Those of the token that the client may still have.</param>
internal sealed record McpCaller(AccessToken Token, Client Client, IReadOnlyList<string> Scopes, RequestOrigin Origin)
{
    public string UserId => Token.UserId!;
}
