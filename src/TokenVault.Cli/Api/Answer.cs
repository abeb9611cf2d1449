using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Cli.Api;

/// <summary>An HTTP answer, read. <see cref="Json"/> is null when it has none.</summary>
internal sealed record Answer(int Status, JsonNode? Json, HttpResponseHeaders Headers)
{
    public bool Succeeded => Status is >= 200 and < 300;

    /// <summary>A string member; null when it is absent or something else.</summary>
    public string? this[string member] => Text(Json, member);

    public static async Task<Answer> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        return new Answer((int)response.StatusCode, Parse(text), response.Headers);
    }

    public static string? Text(JsonNode? json, string member) =>
        json is JsonObject members && members[member] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static JsonNode? Parse(string text)
    {
        try
        {
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
