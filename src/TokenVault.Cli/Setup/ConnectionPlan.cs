using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Terminal;

namespace TokenVault.Cli.Setup;

/// <summary>The connections: there, active for connected accounts, and enabled for who exchanges.</summary>
internal static class ConnectionPlan
{
    public static IEnumerable<Change> Of(ServerState state, SetupAnswers answers)
    {
        var clients = Clients(state, answers).ToList();
        if (answers.NewConnection is { } wanted && state.Connection(wanted.Name) is null)
        {
            yield return New(state.Issuer, wanted, clients);
        }

        foreach (var connection in answers.AllConnections.Select(state.Connection).OfType<JsonObject>())
        {
            foreach (var change in Existing(connection, clients))
            {
                yield return change;
            }
        }
    }

    /// <summary>A connection that is there is not made anew, and users' tokens came by it: its options are changed on purpose only.</summary>
    public static IEnumerable<string> Ignored(ServerState state, SetupAnswers answers)
    {
        if (answers.NewConnection is not { } wanted || state.Connection(wanted.Name) is not { } present)
        {
            yield break;
        }

        if (Answer.Text(present, "strategy") != wanted.Strategy)
        {
            throw new ToolException(
                ExitCode.Usage, $"There is a connection {wanted.Name} already, of the strategy {Answer.Text(present, "strategy")}.", "Give the new one another name: --connection-name");
        }

        var others = wanted.Options.Append(KeyValuePair.Create("client_id", wanted.ClientId)).Where(option => Answer.Text(present["options"], option.Key) != option.Value).ToList();
        if (others.Count > 0)
        {
            yield return $"The connection {wanted.Name} is there already, and keeps its {string.Join(", ", others.Select(option => option.Key))}. "
                + $"To change that: tokenvault connections update {ShellText.Of(Answer.Text(present, "id"))}";
        }
    }

    /// <summary>What an account can be connected at.</summary>
    public static IEnumerable<string> Names(ServerState state) => Usable(state.Connections).Select(connection => Answer.Text(connection, "name")!);

    /// <summary>All but the server's own users.</summary>
    public static IEnumerable<JsonObject> Usable(IEnumerable<JsonObject> connections) =>
        connections.Where(connection => Answer.Text(connection, "strategy") != "auth0" && Answer.Text(connection, "name") is not null);

    private static IEnumerable<string> Clients(ServerState state, SetupAnswers answers)
    {
        yield return state.ApplicationId ?? Change.Application;
        if (answers.Api is not null)
        {
            yield return Answer.Text(state.ApiClient, "client_id") ?? Change.ApiClient;
        }
    }

    private static Change New(string issuer, NewConnection wanted, IEnumerable<string> clients)
    {
        var options = new JsonObject { ["client_id"] = wanted.ClientId, ["client_secret"] = wanted.ClientSecret };
        if (wanted.Scopes.Count > 0)
        {
            options["scope"] = string.Join(' ', wanted.Scopes);
        }

        foreach (var (name, value) in wanted.Options)
        {
            options[name] = value;
        }

        return new Change($"Create the connection {wanted.Name}", HttpMethod.Post, "connections", new JsonObject
        {
            ["name"] = wanted.Name,
            ["strategy"] = wanted.Strategy,
            ["options"] = options,
            ["connected_accounts"] = new JsonObject { ["active"] = true },
            ["enabled_clients"] = Wire.Array(clients),
        })
        {
            Note = $"register this redirect URI at the provider: {wanted.RedirectUri(issuer)}",
        };
    }

    private static IEnumerable<Change> Existing(JsonObject connection, IReadOnlyList<string> clients)
    {
        var (id, name) = (Answer.Text(connection, "id"), Answer.Text(connection, "name"));
        var members = new MemberChanges(connection);
        var accounts = connection["connected_accounts"]?.DeepClone().AsObject() ?? [];
        accounts["active"] = true;
        members.Set("connected_accounts", accounts);
        foreach (var change in members.Patch($"Activate connected accounts on the connection {name}", $"connections/{id}"))
        {
            yield return change;
        }

        var missing = clients.Except(Wire.Texts(connection["enabled_clients"]), StringComparer.Ordinal).ToList();
        if (missing.Count > 0)
        {
            var body = new JsonArray([.. missing.Select(client => (JsonNode)new JsonObject { ["client_id"] = client, ["status"] = true })]);
            yield return new Change($"Enable the connection {name}", HttpMethod.Patch, $"connections/{id}/clients", body);
        }
    }
}
