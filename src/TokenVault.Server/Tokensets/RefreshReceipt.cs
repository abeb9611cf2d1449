using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// What a provider answered to one attempt, sealed; stored in the commit that applies it, or in place of it when the answer cannot
/// be read. It leaves a way back after a failover or a restore.
/// </summary>
internal sealed record RefreshReceipt : ISealed<RefreshReceipt>
{
    public static string Kind => "refresh-receipt";

    public static JsonTypeInfo<RefreshReceipt> TypeInfo => TokensetsJson.Default.RefreshReceipt;

    public static IReadOnlyList<SealedField<RefreshReceipt>> SealedFields { get; } =
        [new(nameof(SealedAnswer), receipt => receipt.SealedAnswer, receipt => receipt.Identity())];

    /// <summary>The attempt's id.</summary>
    public required string Id { get; init; }

    public required string TokensetId { get; init; }

    public required string UserId { get; init; }

    public required string AccountId { get; init; }

    public required string ConnectionId { get; init; }

    /// <summary>The generation whose refresh token was used.</summary>
    public int Generation { get; init; }

    public required byte[] SealedAnswer { get; init; }

    /// <summary>The answer could not be read: an operator may find tokens in it.</summary>
    public bool Unread { get; init; }

    public DateTimeOffset ForgottenAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<RefreshReceipt>.ExpiresAt => ForgottenAt;

    IEnumerable<EntityKey> IRecord<RefreshReceipt>.Keys =>
        [EntityKey.Index("user", UserId), EntityKey.Index("account", AccountId), EntityKey.Index("connection", ConnectionId)];

    public byte[] Identity() => Aad.For(Kind, Id, TokensetId, UserId);

    public RefreshReceipt AtVersion(long version) => this with { Version = version };
}
