using System.Text.Json.Nodes;
using TokenVault.Cli.Api;

namespace TokenVault.Cli.Setup;

/// <summary>What there is after a setup.</summary>
/// <param name="Keys">Of a privileged worker.</param>
/// <param name="Authority">PEM text of the server's own authority; null: one that machines trust.</param>
internal sealed record SetupOutcome(ServerState State, EnvironmentFile Environment, WorkerKeys? Keys, string? Authority)
{
    /// <summary>Without secrets: they are in the environment file.</summary>
    public JsonObject ToJson(SetupPlan plan)
    {
        var json = new JsonObject
        {
            ["changes"] = plan.ToJson(),
            ["client_id"] = State.ApplicationId,
            ["environment_file"] = Path.GetFullPath(Environment.Location),
            ["connections"] = new JsonArray([.. ConnectionPlan.Usable(State.Connections).Select(connection => new JsonObject
            {
                ["name"] = Answer.Text(connection, "name"),
                ["callback_url"] = Answer.Text(connection, "callback_url"),
            })]),
        };
        if (Environment[EnvironmentFile.ApiClientId] is { } apiClient)
        {
            json["api_client_id"] = apiClient;
        }

        return json;
    }
}
