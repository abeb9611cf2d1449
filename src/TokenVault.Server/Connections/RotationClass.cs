using System.Text.Json.Serialization;

namespace TokenVault.Server.Connections;

/// <summary>What becomes of a refresh token that was used: decides how long to wait for an answer and whether to ask twice.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RotationClass>))]
internal enum RotationClass
{
    /// <summary>Not known: treated like <see cref="FamilyRevoking"/>.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,

    /// <summary>Stays valid; no new one comes.</summary>
    [JsonStringEnumMemberName("stable")]
    Stable,

    /// <summary>A new one comes, the old one stays valid for a while.</summary>
    [JsonStringEnumMemberName("overlap")]
    Overlap,

    /// <summary>The old one yields the same new one again until that is used.</summary>
    [JsonStringEnumMemberName("replay")]
    Replay,

    /// <summary>Dead at once.</summary>
    [JsonStringEnumMemberName("single_use")]
    SingleUse,

    /// <summary>Dead at once, and a second use ends the whole grant.</summary>
    [JsonStringEnumMemberName("family_revoking")]
    FamilyRevoking,

    /// <summary>There are no refresh tokens.</summary>
    [JsonStringEnumMemberName("none")]
    None,
}

/// <summary>How a provider can be had to issue a token of fewer scopes than were granted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Downscope>))]
internal enum Downscope
{
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>By a refresh that names them (RFC 6749 §6).</summary>
    [JsonStringEnumMemberName("refresh")]
    Refresh,
}

/// <summary>How a client shows its secret at the token endpoint (RFC 6749 §2.3.1).</summary>
internal enum ClientAuthMethod
{
    [JsonStringEnumMemberName("client_secret_post")]
    Post,

    [JsonStringEnumMemberName("client_secret_basic")]
    Basic,

    /// <summary>By an assertion that the connection's own key signs (RFC 7523).</summary>
    [JsonStringEnumMemberName("private_key_jwt")]
    PrivateKeyJwt,
}

internal enum TokenRequestFormat
{
    [JsonStringEnumMemberName("form")]
    Form,

    [JsonStringEnumMemberName("json")]
    Json,
}
