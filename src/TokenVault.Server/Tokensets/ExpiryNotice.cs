using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>It has been told that a tokenset ends: once for each end, whichever node did so.</summary>
internal sealed record ExpiryNotice : IRecord<ExpiryNotice>
{
    public static string Kind => "tokenset-expiry-notice";

    public static JsonTypeInfo<ExpiryNotice> TypeInfo => TokensetsJson.Default.ExpiryNotice;

    public required string Id { get; init; }

    public required string UserId { get; init; }

    public required string AccountId { get; init; }

    public required string ConnectionId { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<ExpiryNotice>.Keys =>
        [EntityKey.Index("user", UserId), EntityKey.Index("account", AccountId), EntityKey.Index("connection", ConnectionId)];

    public static string IdOf(Tokenset tokenset, DateTimeOffset end) => string.Create(CultureInfo.InvariantCulture, $"{tokenset.Id} {end.ToUnixTimeSeconds()}");

    public ExpiryNotice AtVersion(long version) => this with { Version = version };
}
