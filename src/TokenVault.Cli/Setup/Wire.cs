using System.Text.Json.Nodes;

namespace TokenVault.Cli.Setup;

/// <summary>Names as they stand on the wire.</summary>
internal static class Wire
{
    public const string Exchange = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";
    public const string RequestedType = "http://auth0.com/oauth/token-type/federated-connection-access-token";
    public const string RefreshTokenType = "urn:ietf:params:oauth:token-type:refresh_token";
    public const string AccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
    public const string JwtType = "urn:ietf:params:oauth:token-type:jwt";
    public const string JwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    /// <summary>The user's own connected accounts.</summary>
    public static IReadOnlyList<string> AccountScopes { get; } =
        ["create:me:connected_accounts", "read:me:connected_accounts", "delete:me:connected_accounts"];

    public static JsonArray Array(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);

    /// <summary>The strings of an array member; none where there is no array.</summary>
    public static IReadOnlyList<string> Texts(JsonNode? array) =>
        array is JsonArray items ? [.. items.OfType<JsonValue>().Select(item => item.TryGetValue<string>(out var text) ? text : null).OfType<string>()] : [];
}
