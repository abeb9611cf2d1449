using System.Text.Json.Nodes;
using Operation = TokenVault.Server.Http.OpenApi.Operation;

namespace TokenVault.Server.Audit;

/// <summary>What the API reference says of the audit log.</summary>
internal static class LogDocs
{
    private const string Id = "900202611210930000000005aB0cD1eF2gH3iJ4k";

    private static readonly DateTimeOffset At = new(2026, 11, 21, 9, 30, 0, TimeSpan.Zero);

    private static readonly AuditEvent Event = new()
    {
        LogId = Id,
        Date = At,
        Type = AuditType.SuccessfulVaultExchange,
        Description = "Exchanged a token",
        ClientId = "5aB0cD1eF2gH3iJ4kL5mN6oP7qR8sT9u",
        ClientName = "Assistant",
        Connection = "google-oauth2",
        ConnectionId = "con_5aB0cD1eF2gH3iJ4",
        UserId = "auth0|65f0a1b2c3d4e5f6a7b8c9d0",
        UserName = "jane@example.com",
        Audience = "https://calendar.example/api",
        Scope = "openid calendar.readonly",
        Ip = "203.0.113.7",
        UserAgent = "node-fetch",
        Auth0Client = new JsonObject { ["name"] = "node-auth0", ["version"] = "4.10.0" },
        CorrelationId = "txn_12345_xyz",
        TraceId = "4bf92f3577b34da6a3ce929d0e0e4736",
        Details = new JsonObject { ["token_thumbprint"] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" },
    };

    private static readonly IReadOnlyList<(string Name, string Meaning)> Search =
    [
        ("q", "A search: field:value, field:(a OR b), AND, OR, NOT, brackets, wildcards, ranges [a TO b], _exists_:field."),
        ("search", "Another name of q."),
        ("sort", "date:-1, the newest first, or date:1."),
    ];

    public static Operation Get(LogView view) => new("Get a log entry") { Answer = Example(view) };

    public static Operation List(LogView view) => OfUser(view) with
    {
        Summary = "List log entries",
        Description = "With from or take, entries come in the order in which they became durable, as a bare array; the Link header (rel=next) says where to go on.",
        Query = [.. Search, ("from", "The id of the last entry that was read."), ("take", "How many after that one, 1 to 100; 50 unless given.")],
    };

    public static Operation OfUser(LogView view) => new("List the log entries of a user")
    {
        Answer = Example(view),
        List = "logs",
        PagesOnly = true,
        Fields = true,
        Query = Search,
    };

    private static JsonObject Example(LogView view) =>
        view.Of(Id, At, Event);
}
