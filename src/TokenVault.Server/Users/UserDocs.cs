using System.Text.Json.Nodes;
using TokenVault.Server.Http.OpenApi;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Users;

/// <summary>What the API reference says of this slice's endpoints.</summary>
internal static class UserDocs
{
    private static readonly DateTimeOffset At = new(2026, 11, 21, 9, 30, 0, TimeSpan.Zero);

    private static readonly User Example = new()
    {
        UserId = "auth0|65f0a1b2c3d4e5f6a7b8c9d0",
        Connection = Wire.DatabaseConnection,
        Email = "ada@example.com",
        Username = "ada",
        Name = "Ada Lovelace",
        GivenName = "Ada",
        FamilyName = "Lovelace",
        Nickname = "ada",
        Picture = "https://example.com/ada.png",
        UserMetadata = new JsonObject { ["language"] = "en" },
        AppMetadata = new JsonObject { ["plan"] = "team" },
        CreatedAt = At,
        UpdatedAt = At,
        Version = 1,
    };

    public static Noun User { get; } = new("a user", "users", "users", UserView.Of(Example))
    {
        New = body =>
        {
            UserBody.ReadId(body);
            UserBody.Read(body, new User { UserId = "", Connection = "" }, password => password);
        },
        NewExample = new JsonObject { ["connection"] = Wire.DatabaseConnection, ["email"] = "ada@example.com", ["password"] = "a long one of your own" },
        Change = body => UserBody.Read(body, Example, password => password),
        ChangeExample = new JsonObject { ["user_metadata"] = new JsonObject { ["language"] = "en" } },
        Filters =
        [
            ("q", "What to look for: field:value, field:\"a text\", wildcards, ranges such as created_at:[2026-01 TO *], _exists_:field, AND, OR, NOT, parentheses."),
            ("search_engine", "v3."),
            ("sort", "A field and 1 or -1: created_at:-1."),
            ("connection", "Users of this connection."),
        ],
    };

    public static Operation ByEmail { get; } = new("Find users by e-mail address")
    {
        Answer = new JsonArray(UserView.Of(Example)),
        Query = [("email", "The address; required.")],
        Fields = true,
    };

    private static readonly JsonObject ExampleSession = SessionEndpoints.View(new Session
    {
        Id = "sess_6ZqSK7Kj1R8LDZJvSb1tAn",
        UserId = Example.UserId,
        CookieHash = "",
        AuthenticatedAt = At,
        IdleExpiresAt = At.AddDays(3),
        AbsoluteExpiresAt = At.AddDays(7),
        ClientIds = ["5aB0cD1eF2gH3iJ4kL5mN6oP7qR8sT9u"],
    });

    public static Operation Sessions { get; } = new("List the sessions of a user")
    {
        Answer = ExampleSession.DeepClone(),
        List = "sessions",
        CheckpointOnly = true,
        Fields = true,
    };

    public static Operation EndSessions { get; } = new("End the sessions of a user") { Status = 202, Refusals = [409] };

    public static Operation Session { get; } = new("Get a session") { Answer = ExampleSession.DeepClone() };

    public static Operation EndSession { get; } = new("End a session") { Status = 202, Guarded = true, Refusals = [409] };
}
