using System.Text.Json.Serialization;

namespace TokenVault.Server.Connections;

/// <summary>How a provider takes tokens back. What is not set is as RFC 7009 has it.</summary>
internal sealed record ProviderRevocation
{
    /// <summary>May hold <c>{client_id}</c>.</summary>
    public required string Endpoint { get; init; }

    public RevocationMethod Method { get; init; }

    /// <summary>Which token it must be; where an access token is wanted and a refresh token is at hand, that is traded in first.</summary>
    public RevocationToken Token { get; init; }

    public RevocationAuthentication Authentication { get; init; }

    public RevocationBody Body { get; init; }

    public string TokenParameter { get; set; } = "token";

    /// <summary>May hold <c>{token}</c>.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

internal enum RevocationMethod
{
    [JsonStringEnumMemberName("POST")]
    Post,

    [JsonStringEnumMemberName("DELETE")]
    Delete,
}

internal enum RevocationToken
{
    /// <summary>The refresh token, or the access token where there is none.</summary>
    [JsonStringEnumMemberName("any")]
    Any,

    [JsonStringEnumMemberName("access_token")]
    AccessToken,
}

internal enum RevocationAuthentication
{
    /// <summary>As at the token endpoint.</summary>
    [JsonStringEnumMemberName("client")]
    Client,

    [JsonStringEnumMemberName("client_secret_basic")]
    Basic,

    /// <summary>The token itself, as a bearer token.</summary>
    [JsonStringEnumMemberName("bearer")]
    Bearer,

    [JsonStringEnumMemberName("none")]
    None,
}

internal enum RevocationBody
{
    [JsonStringEnumMemberName("form")]
    Form,

    [JsonStringEnumMemberName("json")]
    Json,

    [JsonStringEnumMemberName("none")]
    None,
}
