using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Resources;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault apis</c>: the APIs that tokens are for.</summary>
internal static class ApisCommand
{
    private static readonly Option<string?> Scopes = new("--scopes") { Description = "The scopes that it knows, separated by commas" };

    private static readonly Resource Apis = new()
    {
        Name = "apis",
        Noun = "API",
        Collection = "resource-servers",
        Member = "resource_servers",
        IdMember = "id",
        Example = "--identifier https://api.example.com --name Things --scopes read:things,write:things",
        DeletionNote = "grants of it go as well",
        Columns =
        [
            Column.Of("Id", "id"), Column.Of("Identifier", "identifier"), Column.Of("Name", "name"),
            new Column("Users", item => Answer.Text(item["subject_type_authorization"]?["user"], "policy")),
        ],
        Fields =
        [
            Field.Text("--identifier", "identifier", "The audience of its tokens, as in https://api.example.com") with { OnlyNew = true },
            Field.Text("--name", "name", "Its name"),
            new Field(Scopes, "scopes", text => new JsonArray([.. Field.Items(text).Select(scope => new JsonObject { ["value"] = scope })])),
            Field.Flag("--offline-access", "allow_offline_access", "Whether refresh tokens are given for it"),
            Field.Number("--token-lifetime", "token_lifetime", "How many seconds its access tokens live"),
        ],
    };

    public static Command Create() => Apis.ToCommand();
}
