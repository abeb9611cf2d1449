using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Accounts;

/// <summary>A user withdraws an account.</summary>
internal sealed class AccountDisconnection(IStorage storage, AccountRemoval removal, AuditLog audit)
{
    public async Task<MyAccountProblem?> DeleteAsync(HttpContext context, AccessToken caller)
    {
        // A refresh may change the tokenset between the read and the commit; then its newest token is the one to revoke.
        for (var attempt = 0; attempt < 10; attempt++)
        {
            // The user comes from the token, so another user's account is simply not there (T-MG-07).
            var id = (string)context.Request.RouteValues["id"]!;
            var account = await storage.FindAsync<ConnectedAccount>(id, context.RequestAborted);
            if (account is null || account.UserId != caller.UserId)
            {
                return await RefuseAsync(context, caller, id, MyAccountProblem.NotFound("The account does not exist."));
            }

            var batch = await removal.OfAsync(account, context.RequestAborted);
            var deleted = Trace(AuditType.ConnectedAccountDeleted, context, caller, id) with { Connection = account.Connection, ConnectionId = account.ConnectionId };
            if ((await storage.CommitAsync(batch.Append(audit.Row(deleted)))).Committed)
            {
                OAuthResponse.NoStore(context);
                context.Response.StatusCode = 204;
                return null;
            }
        }

        return await RefuseAsync(context, caller, (string)context.Request.RouteValues["id"]!, MyAccountProblem.Conflict("The account is being changed. Try again."));
    }

    private async Task<MyAccountProblem> RefuseAsync(HttpContext context, AccessToken caller, string id, MyAccountProblem problem)
    {
        // What has not the form of an id is whatever the caller wrote there, and nothing for the log.
        var named = Identifier.IsConnectedAccount(id) ? id : "unknown";
        await storage.CommitAsync(new Batch().Append(audit.Row(Trace(AuditType.ConnectedAccountDeleteFailed, context, caller, named).Refused(problem))));
        return problem;
    }

    private static AuditEvent Trace(string type, HttpContext context, AccessToken caller, string accountId) =>
        MyAccountEvents.Event(type, context, caller.UserId!, caller.ClientId)
            .Telling(new JsonObject { ["connected_account"] = new JsonObject { ["id"] = accountId } });
}
