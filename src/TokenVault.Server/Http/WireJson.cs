using System.Globalization;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Http;

/// <summary>Values as the APIs write them.</summary>
internal static class WireJson
{
    /// <summary>ISO 8601 in UTC with milliseconds.</summary>
    public static string Date(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode?)JsonValue.Create(text))]);

    public static JsonArray Array(IEnumerable<JsonObject> items) => new([.. items]);

    /// <summary>Members without a value are left out: tools take <c>null</c> for something else.</summary>
    public static JsonObject With(this JsonObject json, string name, JsonNode? value)
    {
        if (value is not null)
        {
            json[name] = value;
        }

        return json;
    }

    /// <summary>The server's rule for metadata: up to 10 members, texts of up to 255 characters.</summary>
    public static string? MetadataProblem(JsonObject metadata)
    {
        if (metadata.Count > 10)
        {
            return "Metadata has at most 10 members";
        }

        return TextsProblem(metadata);
    }

    /// <summary>Members are texts of a bounded length.</summary>
    public static string? TextsProblem(JsonObject metadata)
    {
        var fits = metadata.All(member => member.Key.Length is > 0 and <= 255
            && member.Value is JsonValue value && value.TryGetValue<string>(out var text) && text.Length <= 255);
        return fits ? null : "Metadata members are texts of up to 255 characters";
    }

    /// <summary>Auth0 merges metadata at its first level; <c>null</c> removes a member.</summary>
    /// <param name="reset">The whole of it was sent as <c>null</c>.</param>
    public static JsonObject? Merged(JsonObject? current, JsonObject? change, bool reset)
    {
        if (reset || change is null)
        {
            return reset ? null : current;
        }

        var merged = current?.DeepClone().AsObject() ?? [];
        foreach (var (name, value) in change)
        {
            if (value is null)
            {
                merged.Remove(name);
                continue;
            }

            merged[name] = value.DeepClone();
        }

        return merged.Count == 0 ? null : merged;
    }
}
