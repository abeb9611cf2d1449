using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace TokenVault.Server.Keys.Jose;

/// <summary>
/// JSON from strangers: one object, valid UTF-8, no duplicate member at any level, at most 16 deep, and every string is one that can be read.
/// </summary>
internal static class StrictJson
{
    private const int MaxDepth = 16;

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    public static bool TryParseObject(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out JsonElement? value)
    {
        value = null;
        if (!Utf8.IsValid(utf8))
        {
            return false;
        }

        try
        {
            ReadEveryString(utf8);
            var root = JsonElement.Parse(utf8, Options);
            if (root.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            value = root;
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>An escaped half of a surrogate pair parses, and throws only when it is read: better here than later.</summary>
    private static void ReadEveryString(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
            {
                _ = reader.GetString();
            }
        }
    }
}
