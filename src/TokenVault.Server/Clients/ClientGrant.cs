using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>What a client may do at an API: for itself (<c>client</c>) or for its users (<c>user</c>).</summary>
internal sealed record ClientGrant : IRecord<ClientGrant>
{
    public const string ClientIndex = "client";

    public const string AudienceIndex = "grant-audience";

    public static string Kind => "client-grant";

    public static JsonTypeInfo<ClientGrant> TypeInfo => ClientsJson.Default.ClientGrant;

    public required string Id { get; init; }

    public required string ClientId { get; init; }

    public required string Audience { get; init; }

    public IReadOnlyList<string> Scope { get; set; } = [];

    /// <summary>client or user.</summary>
    public string SubjectType { get; set; } = "client";

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<ClientGrant>.Keys =>
    [
        EntityKey.UniqueKey("target", KeyFor(ClientId, Audience, SubjectType)),
        EntityKey.Index(ClientIndex, ClientId),
        EntityKey.Index(AudienceIndex, Audience),
    ];

    /// <summary>The unique key <c>target</c>. A client id holds no space, so the parts cannot run into each other.</summary>
    public static string KeyFor(string clientId, string audience, string subjectType) => $"{clientId} {subjectType} {audience}";

    public ClientGrant AtVersion(long version) => this with { Version = version };
}
