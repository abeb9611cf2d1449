using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Protocol;

/// <summary>
/// <c>authorization_details</c> (RFC 9396 §2): what a client may do, in objects whose meaning the API knows and this server does not. They
/// are shown to the user field by field and handed on as they came.
/// </summary>
internal static class AuthorizationDetails
{
    private const int LongestJson = 4096;
    private const int LongestType = 255;
    private const int Most = 20;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <returns>Canonical JSON; null when it is not a list of objects that have a <c>type</c>, or too much of it.</returns>
    public static string? Parse(string json)
    {
        if (Encoding.UTF8.GetByteCount(json) > LongestJson)
        {
            return null;
        }

        try
        {
            var parsed = JsonNode.Parse(json, documentOptions: Strict);
            return parsed is JsonArray { Count: > 0 and <= Most } list && list.All(IsDetail) ? list.ToJsonString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static bool IsDetail(JsonNode? node) =>
        node is JsonObject detail
        && detail["type"] is JsonValue value
        && value.TryGetValue<string>(out var type)
        && type.Length is > 0 and <= LongestType;
}
