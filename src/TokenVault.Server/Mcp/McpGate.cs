using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Mcp;

/// <summary>
/// What every request to the MCP server passes: a user's access token for this very address (RFC 8707), of a client that may still have it.
/// Refusals say where the token is to be had (RFC 9728 §5.1).
/// </summary>
internal sealed class McpGate(IStorage storage, RecordCache cache, PresentedTokens tokens, ApiAccessPolicy policy, RequestRates rates, TokenVaultOptions options)
{
    public const string MetadataPath = "/.well-known/oauth-protected-resource";

    private readonly string _audience = McpOptions.Audience(options.Issuer);
    private readonly string _challenge = $"{PresentedTokens.Bearer} resource_metadata=\"{options.Issuer}{MetadataPath[1..]}{McpOptions.Path}\"";

    /// <returns>Null: the request has been answered.</returns>
    public async ValueTask<McpCaller?> AdmitAsync(HttpContext context)
    {
        // A page that has a name resolve to this machine can call what listens here (DNS rebinding); agents are no pages.
        if (context.Request.Headers.Origin is [{ Length: > 0 } origin, ..] && origin + "/" != options.Issuer)
        {
            await WriteAsync(context, 403, "access_denied", "The MCP server is not for web pages of other origins.");
            return null;
        }

        var (token, error) = await tokens.ReadAsync(context, _audience);
        if (token is not { UserId: { } userId })
        {
            await RefuseAsync(context, 401, error is null && token is null ? null : "invalid_token", "A user's access token for this resource is required.", scope: null);
            return null;
        }

        if (await FindAsync(token, context) is not { } caller || await storage.FindAsync<User>(userId, context.RequestAborted) is not { Blocked: false })
        {
            await RefuseAsync(context, 401, "invalid_token", "The user or the client of the access token is gone, blocked, or may not use it any more.", scope: null);
            return null;
        }

        if (await rates.AdmitAsync(context, "mcp", token.ClientId, userId))
        {
            return caller;
        }

        context.Response.Headers.RetryAfter = "1";
        await WriteAsync(context, 429, "too_many_requests", "Too many requests. Try again in a second.");
        return null;
    }

    /// <summary>Whether the caller has the scope; if not, the request has been answered (RFC 6750 §3.1).</summary>
    public async ValueTask<bool> HasAsync(HttpContext context, McpCaller caller, string scope)
    {
        if (caller.Scopes.Contains(scope, StringComparer.Ordinal))
        {
            return true;
        }

        await RefuseAsync(context, 403, "insufficient_scope", $"The access token lacks the scope {scope}.", scope);
        return false;
    }

    /// <summary>A token may outlive the right of its client (T-ST-11).</summary>
    private async ValueTask<McpCaller?> FindAsync(AccessToken token, HttpContext context)
    {
        if (await cache.FindAsync<Client>(token.ClientId, context.RequestAborted) is not { } client)
        {
            return null;
        }

        var access = await policy.ForUserAsync(client, _audience, token.Scopes, context.RequestAborted);
        return access.Failed(out _) ? null : new McpCaller(token, client, access.Value.Scopes, RequestOrigin.Of(context));
    }

    private Task RefuseAsync(HttpContext context, int status, string? error, string description, string? scope)
    {
        var more = error is null ? "" : $", error=\"{error}\", error_description=\"{description}\"";
        var wanted = scope is null ? "" : $", scope=\"{scope}\"";
        context.Response.Headers.Append("WWW-Authenticate", _challenge + more + wanted);
        return WriteAsync(context, status, error ?? "invalid_token", description);
    }

    private static Task WriteAsync(HttpContext context, int status, string error, string description) =>
        OAuthResponse.WriteAsync(context, status, writer =>
        {
            writer.WriteString("error", error);
            writer.WriteString("error_description", description);
        });
}
