using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Http;

namespace TokenVault.Server.Accounts;

/// <summary>Log entries of what users do with their connected accounts.</summary>
internal static class MyAccountEvents
{
    public static AuditEvent Event(string type, HttpContext context, string userId, string clientId)
    {
        var origin = RequestOrigin.Of(context);
        return new AuditEvent { Type = type, UserId = userId, ClientId = clientId, Ip = origin.Ip, UserAgent = origin.UserAgent };
    }

    /// <param name="lost">Scopes that the account had before.</param>
    public static JsonObject Connected(ConnectedAccount account, string? upstreamUserId, IReadOnlyList<string> lost)
    {
        var details = new JsonObject { ["connected_account"] = new JsonObject { ["id"] = account.Id, ["idp_user_id"] = upstreamUserId } };
        return lost.Count == 0 ? details : details.With("lost_scopes", WireJson.Texts(lost));
    }
}
