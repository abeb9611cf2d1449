using System.Text.Json;

namespace TokenVault.Server.Connections;

/// <summary>Reading a provider's JSON: no duplicate members, bounded depth, nothing thrown for what strangers send.</summary>
internal static class UpstreamJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    /// <summary>The object in the body; null when it is anything else.</summary>
    public static JsonElement? Object(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new ReadOnlyMemory<byte>(body.ToArray());
            using var document = JsonDocument.Parse(reader, Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The member's text when it is a string that is not empty.</summary>
    public static string? Text(this JsonElement json, string member) =>
        json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String && String(value) is { Length: > 0 } text
            ? text
            : null;

    /// <summary>The strings of an array; null when there is no such array.</summary>
    public static IReadOnlyList<string>? Texts(this JsonElement json, string member) =>
        json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Where(v => v.ValueKind == JsonValueKind.String).Select(String).OfType<string>()]
            : null;

    /// <summary>The value at a path of members, dots between them; a number counts as its digits.</summary>
    public static string? At(this JsonElement json, string path)
    {
        var at = json;
        foreach (var member in path.Split('.'))
        {
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(member, out at))
            {
                return null;
            }
        }

        return at.ValueKind switch
        {
            JsonValueKind.String when String(at) is { Length: > 0 } text => text,
            JsonValueKind.Number => at.GetRawText(),
            _ => null,
        };
    }

    /// <summary>
    /// Null when it is no text: half of a surrogate pair, or bytes that are no UTF-8. Both parse, and throw only here, where one bad member
    /// would cost all the others, a rotated refresh token among them.
    /// </summary>
    private static string? String(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
