using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Http;

namespace TokenVault.Server.Accounts;

/// <summary>Log entries of what users do with their connected accounts.</summary>
internal static class MyAccountEvents
{
    public static AuditEvent Event(string type, HttpContext context, string userId, string clientId)
    {
        return new AuditEvent
        {
            Type = type,
            UserId = userId,
            ClientId = clientId,
            Details = new JsonObject { ["request"] = RequestOf(context) },
        }.From(RequestOrigin.Of(context));
    }

    /// <summary>Adds to what an event tells already.</summary>
    public static AuditEvent Telling(this AuditEvent told, JsonObject more)
    {
        var details = told.Details?.DeepClone().AsObject() ?? [];
        foreach (var (name, value) in more)
        {
            details[name] = value?.DeepClone();
        }

        return told with { Details = details };
    }

    /// <summary>An event of something that was refused.</summary>
    public static AuditEvent Refused(this AuditEvent told, MyAccountProblem problem)
    {
        var error = new JsonObject
        {
            ["type"] = MyAccountProblem.Type,
            ["title"] = problem.Title,
            ["status"] = problem.Status,
            ["detail"] = problem.Detail,
        };
        return told.Telling(new JsonObject { ["error"] = error }) with { Description = problem.Detail };
    }

    /// <summary>The path as the API names it: what a caller puts in the place of an id is nothing for the log.</summary>
    private static JsonObject RequestOf(HttpContext context) => new()
    {
        ["method"] = context.Request.Method.ToLowerInvariant(),
        ["path"] = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText,
    };

    /// <param name="lost">Scopes that the account had before.</param>
    public static JsonObject Connected(ConnectedAccount account, string? upstreamUserId, IReadOnlyList<string> lost)
    {
        var details = new JsonObject { ["connected_account"] = new JsonObject { ["id"] = account.Id, ["idp_user_id"] = upstreamUserId } };
        return lost.Count == 0 ? details : details.With("lost_scopes", WireJson.Texts(lost));
    }
}
