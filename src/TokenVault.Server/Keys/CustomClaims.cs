using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Keys;

/// <summary>What an action puts into tokens besides what the server says itself.</summary>
internal sealed record CustomClaims
{
    private const int Most = 30;
    private const int LongestName = 255;
    private const int LargestJson = 4096;

    /// <summary>What the server, or a standard, gives a meaning: an action that could set these could make anybody anything.</summary>
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "scopes", "gty", "cnf", "act", "may_act", "typ", "alg", "kid",
        "auth_time", "nonce", "acr", "amr", "at_hash", "c_hash", "s_hash", "sid", "sub_jwk", "events", "token_type", "authorization_details", "permissions",
        "roles", "groups", "entitlements", "org_id", "org_name", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username",
        "profile", "picture", "website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified",
        "address", "updated_at", "identities", "user_id", "active", "username",
    };

    public static CustomClaims None { get; } = new();

    public JsonObject? IdToken { get; init; }

    public JsonObject? AccessToken { get; init; }

    /// <summary>What forbids these claims; null when nothing does.</summary>
    public static string? Problem(JsonObject claims)
    {
        if (claims.Count > Most)
        {
            return $"There are at most {Most} claims";
        }

        if (claims.FirstOrDefault(claim => claim.Key.Length is 0 or > LongestName || claim.Key.Any(c => c is < '!' or > '~')).Key is { } odd)
        {
            return $"No name of a claim: {Protocol.OAuthError.Shown(odd)}";
        }

        if (claims.FirstOrDefault(claim => Reserved.Contains(claim.Key)).Key is { } reserved)
        {
            return $"The claim is reserved: {reserved}";
        }

        return claims.ToJsonString().Length > LargestJson ? $"The claims are longer than {LargestJson} characters" : null;
    }

    /// <summary>Of two that set the same claim, the later one is heeded.</summary>
    public CustomClaims And(CustomClaims later) => new()
    {
        IdToken = Merged(IdToken, later.IdToken),
        AccessToken = Merged(AccessToken, later.AccessToken),
    };

    public static void WriteTo(Utf8JsonWriter writer, JsonObject? claims)
    {
        foreach (var (name, value) in claims ?? [])
        {
            writer.WritePropertyName(name);
            if (value is null)
            {
                writer.WriteNullValue();
                continue;
            }

            value.WriteTo(writer);
        }
    }

    private static JsonObject? Merged(JsonObject? first, JsonObject? second)
    {
        if (first is null || second is null)
        {
            return first ?? second;
        }

        var both = (JsonObject)first.DeepClone();
        foreach (var (name, value) in second)
        {
            both[name] = value?.DeepClone();
        }

        return both;
    }
}
