using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Resources;

namespace TokenVault.Cli.Commands;

/// <summary><c>tokenvault connections</c>: the providers at which accounts are connected.</summary>
internal static class ConnectionsCommand
{
    private static readonly Resource Connections = new()
    {
        Name = "connections",
        Noun = "connection",
        Collection = "connections",
        Member = "connections",
        IdMember = "id",
        Example = "--name github --strategy github --provider-client-id … --provider-client-secret-file secret.txt --connected-accounts true",
        DeletionNote = "the accounts that users connected by it go as well, and their tokens are revoked at the provider",
        Columns =
        [
            Column.Of("Id", "id"), Column.Of("Name", "name"), Column.Of("Strategy", "strategy"),
            Column.YesNo("Accounts", item => item["connected_accounts"]?["active"]), Column.Of("Redirect URI", "callback_url"),
        ],
        Fields =
        [
            Field.Text("--name", "name", "Its name, which is part of its redirect URI") with { OnlyNew = true },
            Field.Text("--strategy", "strategy", "The provider, as in github, google-oauth2, oidc or oauth2") with { OnlyNew = true },
            Field.Text("--display-name", "display_name", "What users are shown"),
            Field.Text("--provider-client-id", "options.client_id", "The client id that the provider gave you"),
            Field.Secret("--provider-client-secret-file", "options.client_secret", "secret that the provider gave you"),
            Field.Text("--discovery-url", "options.discovery_url", "Of oidc: where the provider's metadata is"),
            Field.Text("--authorization-url", "options.authorizationURL", "Of oauth2: where users are sent"),
            Field.Text("--token-url", "options.tokenURL", "Of oauth2: the provider's token endpoint"),
            Field.List("--scopes", "options.scope", "The scopes to ask for at the provider") with { Read = text => string.Join(' ', Field.Items(text)) },
            Field.Flag("--connected-accounts", "connected_accounts.active", "Whether users connect accounts by it"),
            Field.List("--enabled-clients", "enabled_clients", "The applications that may use it"),
        ],
        Complete = WithOptions,
    };

    public static Command Create() => Connections.ToCommand();

    /// <summary>The Management API replaces options whole: those that are there stay. The secret, which is not shown, stays by itself.</summary>
    private static JsonObject WithOptions(JsonObject body, JsonObject? current)
    {
        if (body["options"] is not JsonObject changed || current?["options"] is not JsonObject before)
        {
            return body;
        }

        var options = before.DeepClone().AsObject();
        foreach (var (name, value) in changed)
        {
            options[name] = value?.DeepClone();
        }

        body["options"] = options;
        return body;
    }
}
