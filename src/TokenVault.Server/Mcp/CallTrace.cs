using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Mcp;

/// <summary>The log's entry for each call on behalf of a user, and for each that the server did not let through itself.</summary>
internal sealed class CallTrace(IStorage storage, AuditLog audit, TokenVaultOptions options)
{
    /// <summary>Durable before the model has the answer. Without the query, which may hold what people search for.</summary>
    /// <param name="url">Null: it is not one that could be called.</param>
    public async ValueTask WriteAsync(McpCaller caller, CallRequest call, Uri? url, string outcome, bool succeeded = false)
    {
        var row = new AuditEvent
        {
            Type = succeeded ? AuditType.CalledOnBehalf : AuditType.CallOnBehalfFailed,
            Description = outcome,
            ClientId = caller.Client.ClientId,
            ClientName = caller.Client.Name,
            UserId = caller.UserId,
            Connection = call.Connection,
            Audience = McpOptions.Audience(options.Issuer),
            Details = new JsonObject
            {
                ["method"] = call.Method,
                ["url"] = url?.GetLeftPart(UriPartial.Path) ?? OAuthError.Shown(call.Url.Split('?')[0]),
                ["outcome"] = outcome,
            },
        }.From(caller.Origin);
        await storage.CommitAsync(new Batch().Append(audit.Row(row)));
    }
}
