using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Users.Factors;

/// <summary>A browser in which a user has proved a second factor, and the networks from which.</summary>
internal sealed record KnownBrowser : IRecord<KnownBrowser>
{
    /// <summary>All of a user.</summary>
    public const string IndexName = "known-browser-user";

    public static string Kind => "known-browser";

    public static JsonTypeInfo<KnownBrowser> TypeInfo => UsersJson.Default.KnownBrowser;

    /// <summary>Of the cookie's value and the user.</summary>
    public required string Id { get; init; }

    public required string UserId { get; init; }

    public IReadOnlyList<string> Networks { get; set; } = [];

    public DateTimeOffset Until { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<KnownBrowser>.ExpiresAt => Until;

    IEnumerable<EntityKey> IRecord<KnownBrowser>.Keys => [EntityKey.Index("user", UserId), EntityKey.Index(IndexName, UserId)];

    public static string IdFor(string cookie, string userId) => Identifier.Hash($"{cookie} {userId}");

    public KnownBrowser AtVersion(long version) => this with { Version = version };
}
