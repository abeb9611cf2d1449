using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users;

/// <summary>A browser in which a user is signed in.</summary>
internal sealed record Session : IRecord<Session>
{
    public static string Kind => "session";

    public static JsonTypeInfo<Session> TypeInfo => UsersJson.Default.Session;

    public required string Id { get; init; }

    public required string UserId { get; init; }

    /// <summary>The name of the connection that the user signed in through; null in sessions of earlier versions, which are local users'.</summary>
    public string? Connection { get; init; }

    /// <summary>Which of the user's identities it was: <see cref="UserIdentity.FullId"/>.</summary>
    public string? Identity { get; init; }

    /// <summary>How the user proved it: <see cref="AuthenticationMethod"/>. Empty in sessions of earlier versions.</summary>
    public IReadOnlyList<string> Methods { get; set; } = [];

    /// <summary>Hash of the cookie's value.</summary>
    public required string CookieHash { get; init; }

    /// <summary>When the user last proved who they are.</summary>
    public DateTimeOffset AuthenticatedAt { get; init; }

    public DateTimeOffset IdleExpiresAt { get; init; }

    public DateTimeOffset AbsoluteExpiresAt { get; init; }

    /// <summary>The clients that got tokens in this session.</summary>
    public IReadOnlyList<string> ClientIds { get; set; } = [];

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<Session>.ExpiresAt => IdleExpiresAt < AbsoluteExpiresAt ? IdleExpiresAt : AbsoluteExpiresAt;

    IEnumerable<EntityKey> IRecord<Session>.Keys => [EntityKey.UniqueKey("cookie", CookieHash), EntityKey.Index("user", UserId), EntityKey.Index("session", Id)];

    public Session AtVersion(long version) => this with { Version = version };
}
