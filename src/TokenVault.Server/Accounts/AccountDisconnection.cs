using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
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
                return MyAccountProblem.NotFound("The account does not exist.");
            }

            var batch = await removal.OfAsync(account, context.RequestAborted);
            if ((await storage.CommitAsync(batch.Append(audit.Row(Trace(context, caller, account))))).Committed)
            {
                OAuthResponse.NoStore(context);
                context.Response.StatusCode = 204;
                return null;
            }
        }

        return MyAccountProblem.Conflict("The account is being changed. Try again.");
    }

    private static AuditEvent Trace(HttpContext context, AccessToken caller, ConnectedAccount account) =>
        MyAccountEvents.Event(AuditType.ConnectedAccountDeleted, context, caller.UserId!, caller.ClientId) with
        {
            Connection = account.Connection,
            ConnectionId = account.ConnectionId,
            Details = new() { ["connected_account"] = new JsonObject { ["id"] = account.Id } },
        };
}
