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
}
