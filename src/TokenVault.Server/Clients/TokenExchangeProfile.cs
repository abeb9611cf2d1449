using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>A kind of foreign token that may be exchanged, by its type (RFC 8693 §3).</summary>
internal sealed record TokenExchangeProfile : IRecord<TokenExchangeProfile>
{
    public static string Kind => "token-exchange-profile";

    public static JsonTypeInfo<TokenExchangeProfile> TypeInfo => ClientsJson.Default.TokenExchangeProfile;

    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>The <c>subject_token_type</c> that it is found by: one profile for each.</summary>
    public required string SubjectTokenType { get; init; }

    /// <summary>What decides about the token. Cannot be changed.</summary>
    public required string ActionId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<TokenExchangeProfile>.Keys => [EntityKey.UniqueKey("subject-token-type", SubjectTokenType)];

    public TokenExchangeProfile AtVersion(long version) => this with { Version = version };
}
