using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Resources;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault users</c>: who can sign in.</summary>
internal static class UsersCommand
{
    private static readonly Resource Users = new()
    {
        Name = "users",
        Noun = "user",
        Collection = "users",
        Member = "users",
        IdMember = "user_id",
        Example = "--email ann@example.com --password-file password.txt",
        DeletionNote = "sessions and connected accounts go as well, and tokens are revoked at the providers",
        Columns =
        [
            Column.Of("User id", "user_id"), Column.Of("E-mail", "email"), Column.Of("Name", "name"), Column.YesNo("Blocked", item => item["blocked"]),
            Column.Of("Last login", "last_login"),
        ],
        Fields =
        [
            Field.Text("--email", "email", "The e-mail address"),
            Field.Text("--name", "name", "The name"),
            Field.Secret("--password-file", "password", "password"),
            Field.Flag("--email-verified", "email_verified", "Whether the address is known to be theirs"),
            Field.Flag("--blocked", "blocked", "Whether they are kept out"),
        ],
        Complete = InDatabase,
    };

    public static Command Create() => Users.ToCommand();

    /// <summary>Only the server's own users are made by hand.</summary>
    private static JsonObject InDatabase(JsonObject body, JsonObject? current)
    {
        if (current is null)
        {
            body["connection"] ??= "Username-Password-Authentication";
        }

        return body;
    }
}
