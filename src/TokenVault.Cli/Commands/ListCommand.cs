using System.CommandLine;
using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Setup;

namespace TokenVault.Cli.Commands;

/// <summary>Commands that show a collection of the Management API: a table for people, JSON for programs.</summary>
internal static class ListCommand
{
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
    ];

    private static Command Of(string name, string description, string collection, string member, params (string Title, Func<JsonObject, string?> Value)[] columns) =>
        new Command(name, $"{description}\n\nExamples:\n  tokenvault {name}\n  tokenvault {name} --json").Runs(async (run, cancellationToken) =>
        {
            using var api = await run.OpenAsync(cancellationToken);
            var items = await api.ListAsync(collection, member, cancellationToken);
            if (run.Json)
            {
                run.Screen.Json(new JsonArray([.. items.Select(item => Redactor.Json(item))]));
                return ExitCode.Done;
            }

            run.Screen.Table([.. columns.Select(column => column.Title)], items.Select(item => (IReadOnlyList<string?>)[.. columns.Select(column => column.Value(item))]));
            return ExitCode.Done;
        });
}
