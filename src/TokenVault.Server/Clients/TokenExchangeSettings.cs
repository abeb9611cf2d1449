using System.Text.Json.Serialization;

namespace TokenVault.Server.Clients;

/// <summary>Which exchanges of RFC 8693 a client may ask for.</summary>
internal sealed record TokenExchangeSettings
{
    public const string Custom = "custom_authentication";
    public const string OnBehalfOf = "on_behalf_of_token_exchange";

    /// <summary>As in Auth0: <see cref="Custom"/> and <see cref="OnBehalfOf"/>. Either lets the client use the grant.</summary>
    public IReadOnlyList<string> AllowAnyProfileOfType { get; set; } = [];

    /// <summary>Ours: it may have a token that does not tell that somebody else acts.</summary>
    public bool AllowImpersonation { get; init; }

    [JsonIgnore]
    public bool AllowsGrant => AllowAnyProfileOfType.Count > 0;

    public bool Allows(string type) => AllowAnyProfileOfType.Contains(type, StringComparer.Ordinal);
}
