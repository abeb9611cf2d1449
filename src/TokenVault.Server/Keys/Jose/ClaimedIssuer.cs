using System.Text.Json;

namespace TokenVault.Server.Keys.Jose;

/// <summary>
/// Who a JWT says it is from, before anything in it is verified: good for finding the keys to verify it with, and for nothing else.
/// </summary>
internal static class ClaimedIssuer
{
    public static string? Of(string token)
    {
        var parts = token.Length > VerifiedJws.LongestToken ? [] : token.Split('.');
        return parts.Length == 3
            && StrictBase64Url.Decode(parts[1]) is { } payload
            && StrictJson.TryParseObject(payload, out var claims)
            && claims.Value.TryGetProperty("iss", out var issuer)
            && issuer.ValueKind == JsonValueKind.String
            && JwsHeader.IsKeyId(issuer.GetString())
            ? issuer.GetString()
            : null;
    }
}
