using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Http.OpenApi;

/// <summary>The schema of an answer, from an example that shows every member it can have.</summary>
internal static class JsonShape
{
    /// <summary>Objects of the caller's own making, whose members are not the API's, and what a log entry tells of its own kind of event.</summary>
    private static readonly HashSet<string> Free = new(StringComparer.Ordinal)
    {
        "metadata", "client_metadata", "user_metadata", "app_metadata", "refresh_token_metadata", "upstream_params", "details",
    };

    public static JsonObject Of(JsonNode? example) => example switch
    {
        JsonObject json => OfObject(json),
        JsonArray array => new JsonObject { ["type"] = "array", ["items"] = array.Count > 0 ? Of(array[0]) : [] },
        JsonValue value => new JsonObject { ["type"] = TypeOf(value) },
        null => new JsonObject { ["type"] = "null" },
        _ => throw new ArgumentException("There is no fourth kind of JSON.", nameof(example)),
    };

    private static JsonObject OfObject(JsonObject json)
    {
        var properties = new JsonObject();
        foreach (var (name, value) in json)
        {
            properties[name] = Free.Contains(name) ? new JsonObject { ["type"] = "object", ["additionalProperties"] = true } : Of(value);
        }

        return new JsonObject { ["type"] = "object", ["properties"] = properties };
    }

    private static string TypeOf(JsonValue value) => value.GetValueKind() switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Number => value.ToJsonString().Contains('.', StringComparison.Ordinal) ? "number" : "integer",
        _ => "string",
    };
}
