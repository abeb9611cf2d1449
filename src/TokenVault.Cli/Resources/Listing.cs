using System.Text.Json.Nodes;
using TokenVault.Cli.Api;
using TokenVault.Cli.Commands;

namespace TokenVault.Cli.Resources;

/// <summary>Shows what was read: a table or members for people, JSON for programs. Secrets are left out of both (T-CL-01).</summary>
internal static class Listing
{
    public static int Show(Invocation run, IReadOnlyList<JsonObject> items, IReadOnlyList<Column> columns)
    {
        if (run.Json)
        {
            run.Screen.Json(new JsonArray([.. items.Select(item => Redactor.Json(item))]));
            return ExitCode.Done;
        }

        run.Screen.Table([.. columns.Select(column => column.Title)], items.Select(item => (IReadOnlyList<string?>)[.. columns.Select(column => column.Value(item))]));
        return ExitCode.Done;
    }

    public static int ShowOne(Invocation run, JsonNode item)
    {
        var shown = (JsonObject)Redactor.Json(item);
        if (run.Json)
        {
            run.Screen.Json(shown);
            return ExitCode.Done;
        }

        run.Screen.Table(["Member", "Value"], shown.Select(member => (IReadOnlyList<string?>)[member.Key, Plain(member.Value)]));
        return ExitCode.Done;
    }

    private static string Plain(JsonNode? value) => value is JsonValue text && text.TryGetValue<string>(out var plain) ? plain : value?.ToJsonString() ?? "";
}
