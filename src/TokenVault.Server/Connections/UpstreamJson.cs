using System.Globalization;
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
        json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? AsText(value) : null;

    /// <summary>The strings of an array; null when there is no such array.</summary>
    public static IReadOnlyList<string>? Texts(this JsonElement json, string member) =>
        json.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.Array ? AsTexts(value) : null;

    /// <summary>The value at a path of members and places in lists, dots between them; a number counts as its digits.</summary>
    public static string? At(this JsonElement json, string path)
    {
        var at = json;
        foreach (var step in path.Split('.'))
        {
            if (at.ValueKind == JsonValueKind.Array && int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var place) && place < at.GetArrayLength())
            {
                at = at[place];
                continue;
            }

            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(step, out at))
            {
                return null;
            }
        }

        return AsTextOrNumber(at);
    }

    /// <summary>A string's text when it is not empty.</summary>
    public static string? AsText(JsonElement value) => String(value) is { Length: > 0 } text ? text : null;

    public static string? AsTextOrNumber(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => AsText(value),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    };

    /// <summary>The strings of an array.</summary>
    public static IReadOnlyList<string> AsTexts(JsonElement array) =>
        [.. array.EnumerateArray().Where(v => v.ValueKind == JsonValueKind.String).Select(String).OfType<string>()];

    public static JsonElement OfText(string text)
    {
        using var document = JsonDocument.Parse($"\"{JsonEncodedText.Encode(text)}\"");
        return document.RootElement.Clone();
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
