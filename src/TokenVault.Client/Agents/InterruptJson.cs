using System.Text.Json;

namespace TokenVault.Client.Agents;

/// <summary>Interrupts out of stored conversations.</summary>
internal static class InterruptJson
{
    /// <returns>Null: it is no interrupt, or one of another kind.</returns>
    public static TokenVaultInterrupt? Read(JsonElement json)
    {
        if (json.ValueKind is not JsonValueKind.Object || Text(json, "name") != TokenVaultInterrupt.InterruptName)
        {
            return null;
        }

        var (code, message) = (Text(json, "code"), Text(json, "message") ?? "");
        if (code == TokenVaultInterrupt.ConnectCode && Text(json, "connection") is { Length: > 0 } connection)
        {
            var details = new ToolInterruptDetails(Texts(json, "requiredScopes"), Members(json, "authorizationParams"), Failure: null);
            return new TokenVaultInterrupt(new TokenRequest(connection, Texts(json, "scopes")), message, details, inner: null);
        }

        return code?.StartsWith("ASYNC_AUTHORIZATION_", StringComparison.Ordinal) == true
            ? new ApprovalInterrupt(code, message, Approval(json), Number(json, "retryAfter") is { } seconds ? TimeSpan.FromSeconds(seconds) : null, inner: null)
            : null;
    }

    private static PendingApproval? Approval(JsonElement json)
    {
        if (!json.TryGetProperty("request", out var request) || request.ValueKind is not JsonValueKind.Object || Text(request, "id") is not { } id)
        {
            return null;
        }

        var asked = DateTimeOffset.UnixEpoch.AddSeconds(Number(request, "requestedAt") ?? 0);
        return new PendingApproval(
            id, asked, asked.AddSeconds(Number(request, "expiresIn") ?? 0), TimeSpan.FromSeconds(Number(request, "interval") ?? 5))
        {
            ApprovalUri = Uri.TryCreate(Text(json, "approvalUri"), UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps ? uri : null,
        };
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    private static double? Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Number && value.TryGetDouble(out var number)
        && number is >= 0 and < 1e10 ? number : null;

    private static string[] Texts(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Array
            ? [.. value.EnumerateArray().Where(item => item.ValueKind is JsonValueKind.String).Select(item => item.GetString()!).Where(IsWord)]
            : [];

    private static bool IsWord(string text) => text.Length > 0 && !text.Contains(' ', StringComparison.Ordinal);

    private static Dictionary<string, string> Members(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Object
            ? value.EnumerateObject().Where(member => member.Value.ValueKind is JsonValueKind.String).ToDictionary(member => member.Name, member => member.Value.GetString()!)
            : [];
}
