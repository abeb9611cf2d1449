using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Pushed;

/// <summary>An authorization request that its client has sent ahead (RFC 9126). Only the hash of the name it goes by is kept.</summary>
internal sealed record PushedRequest : ISealed<PushedRequest>
{
    public static string Kind => "pushed-request";

    public static JsonTypeInfo<PushedRequest> TypeInfo => OAuthJson.Default.PushedRequest;

    public static IReadOnlyList<SealedField<PushedRequest>> SealedFields { get; } =
        [new(nameof(SealedQuery), request => request.SealedQuery, request => request.Identity())];

    /// <summary>Hash of the secret part of the <c>request_uri</c>.</summary>
    public required string Id { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Its parameters as a query; it may hold an ID token, and tells whose request it is.</summary>
    public byte[] SealedQuery { get; set; } = [];

    public DateTimeOffset Deadline { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<PushedRequest>.ExpiresAt => Deadline;

    IEnumerable<EntityKey> IRecord<PushedRequest>.Keys => [EntityKey.Index("client", ClientId)];

    public byte[] Identity() => Aad.For(Kind, Id, ClientId);

    public PushedRequest AtVersion(long version) => this with { Version = version };
}
