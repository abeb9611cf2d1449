using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Tokens beside a tokenset's own: what came when another node had stored newer ones already, and what a new consent replaced.
/// Those of the tokenset's own grant are tried before that is given up. All of them are revoked with the account and no earlier:
/// most providers end the whole grant when one of its tokens is revoked (RFC 7009 §2.1).
/// </summary>
internal sealed record RefreshSpare : ISealed<RefreshSpare>
{
    public static string Kind => "refresh-spare";

    public static JsonTypeInfo<RefreshSpare> TypeInfo => TokensetsJson.Default.RefreshSpare;

    public static IReadOnlyList<SealedField<RefreshSpare>> SealedFields { get; } =
        [new(nameof(SealedAnswer), spare => spare.SealedAnswer, spare => spare.Identity())];

    public required string Id { get; init; }

    public required string TokensetId { get; init; }

    public required string GrantId { get; init; }

    public required string UserId { get; init; }

    public required string AccountId { get; init; }

    public required string ConnectionId { get; init; }

    public required byte[] SealedAnswer { get; init; }

    public DateTimeOffset ReceivedAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    IEnumerable<EntityKey> IRecord<RefreshSpare>.Keys =>
    [
        OfTokenset(TokensetId), EntityKey.Index("user", UserId), EntityKey.Index("account", AccountId), EntityKey.Index("connection", ConnectionId),
    ];

    public static EntityKey OfTokenset(string tokensetId) => EntityKey.Index("spare-of", tokensetId);

    public byte[] Identity() => Aad.For(Kind, Id, TokensetId, UserId);

    public RefreshSpare AtVersion(long version) => this with { Version = version };
}
