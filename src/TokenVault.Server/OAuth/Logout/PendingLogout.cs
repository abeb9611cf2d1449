using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Logout;

/// <summary>A client that is to be told that a session has ended: the durable outbox's entry, which outlives the session and its user.</summary>
internal sealed record PendingLogout : IRecord<PendingLogout>
{
    public static string Kind => "logout-delivery";

    public static JsonTypeInfo<PendingLogout> TypeInfo => OAuthJson.Default.PendingLogout;

    public static EntityKey Due { get; } = EntityKey.Index("logout-delivery", "pending");

    public required string Id { get; init; }

    public required string ClientId { get; init; }

    public required string UserId { get; init; }

    public required string SessionId { get; init; }

    public int Attempts { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset NextAttemptAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    /// <summary>Not the user's index: that one goes with the user, whose end the client is to be told of.</summary>
    IEnumerable<EntityKey> IRecord<PendingLogout>.Keys => [Due, EntityKey.Index("client", ClientId)];

    public PendingLogout AtVersion(long version) => this with { Version = version };
}
