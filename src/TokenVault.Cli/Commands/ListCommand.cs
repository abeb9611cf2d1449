using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;

namespace TokenVault.Cli.Commands;

/// <summary>Commands that show a collection of the Management API: a table for people, JSON for programs.</summary>
internal static class ListCommand
{
    private static readonly Argument<string> User = new("user-id") { Description = "The user, as in 'auth0|…'" };
    private static readonly string[] KeyStates = ["current", "next", "previous", "revoked"];

    public static IEnumerable<Command> Create() =>
    [
        Of("apps", "The applications.", "clients", "clients",
            ("Client id", item => Answer.Text(item, "client_id")), ("Name", item => Answer.Text(item, "name")), ("Type", item => Answer.Text(item, "app_type")),
            ("Exchanges", item => Wire.Texts(item["grant_types"]).Contains(Wire.Exchange) ? "yes" : "no")),
        Of("apis", "The APIs.", "resource-servers", "resource_servers",
            ("Id", item => Answer.Text(item, "id")), ("Identifier", item => Answer.Text(item, "identifier")), ("Name", item => Answer.Text(item, "name")),
            ("Users", item => Answer.Text(item["subject_type_authorization"]?["user"], "policy"))),
        Of("connections", "The connections, and the redirect URI of each at its provider.", "connections", "connections",
            ("Id", item => Answer.Text(item, "id")), ("Name", item => Answer.Text(item, "name")), ("Strategy", item => Answer.Text(item, "strategy")),
            ("Accounts", item => item["connected_accounts"]?["active"] is JsonValue value && value.TryGetValue<bool>(out var active) && active ? "yes" : "no"),
            ("Redirect URI", item => Answer.Text(item, "callback_url"))),
        Of("users", "The users.", "users", "users",
            ("User id", item => Answer.Text(item, "user_id")), ("E-mail", item => Answer.Text(item, "email")), ("Name", item => Answer.Text(item, "name")),
            ("Last login", item => Answer.Text(item, "last_login"))),
        OfUser("accounts", "The accounts that a user has connected.", "connected-accounts", "connected_accounts",
            ("Account", item => Answer.Text(item, "id")), ("Connection", item => Answer.Text(item, "connection")),
            ("Scopes", item => string.Join(' ', Wire.Texts(item["scopes"]))), ("Connected", item => Answer.Text(item, "created_at"))),
        OfUser("tokensets", "The providers' tokens that are kept for a user, without the tokens.", "federated-connections-tokensets", member: null,
            ("Tokenset", item => Answer.Text(item, "id")), ("Connection", item => Answer.Text(item, "connection")), ("Scopes", item => Answer.Text(item, "scope")),
            ("Expires", item => Answer.Text(item, "expires_at")), ("Last used", item => Answer.Text(item, "last_used_at"))),
        Showing(
            new Command("keys", "The keys that the server signs with.\n\nExamples:\n  tokenvault keys"),
            (api, _, cancellationToken) => api.FollowAsync("keys/signing", member: null, cancellationToken),
            [
                ("Key", item => Answer.Text(item, "kid")), ("State", KeyState), ("Since", item => Answer.Text(item, "current_since")),
            ]),
    ];

    private static string KeyState(JsonObject key) => string.Join(", ", KeyStates.Where(state => key[state] is JsonValue value && value.TryGetValue<bool>(out var holds) && holds));



    private static Command Of(string name, string description, string collection, string member, params (string Title, Func<JsonObject, string?> Value)[] columns) => Showing(
        new Command(name, $"{description}\n\nExamples:\n  tokenvault {name}\n  tokenvault {name} --json"),
        (api, _, cancellationToken) => api.ListAsync(collection, member, cancellationToken),
        columns);

    private static Command OfUser(string name, string description, string collection, string? member, params (string Title, Func<JsonObject, string?> Value)[] columns) => Showing(
        new Command(name, $"{description}\n\nExamples:\n  tokenvault {name} 'auth0|…'") { User },
        (api, run, cancellationToken) => api.FollowAsync($"users/{Uri.EscapeDataString(run.Get(User)!)}/{collection}", member, cancellationToken),
        columns);

    private static Command Showing(
        Command command, Func<ManagementApi, Invocation, CancellationToken, Task<IReadOnlyList<JsonObject>>> read, (string Title, Func<JsonObject, string?> Value)[] columns) =>
        command.Runs(async (run, cancellationToken) =>
        {
            using var api = await run.OpenAsync(cancellationToken);
            var items = await read(api, run, cancellationToken);
            if (run.Json)
            {
                run.Screen.Json(new JsonArray([.. items.Select(item => Redactor.Json(item))]));
                return ExitCode.Done;
            }

            run.Screen.Table([.. columns.Select(column => column.Title)], items.Select(item => (IReadOnlyList<string?>)[.. columns.Select(column => column.Value(item))]));
            return ExitCode.Done;
        });
}
