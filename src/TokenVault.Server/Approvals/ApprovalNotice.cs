using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Approvals;

/// <summary>The outbox's entry: a user is to be told, through one channel, that something waits for them. It goes when they have been.</summary>
internal sealed record ApprovalNotice : IRecord<ApprovalNotice>
{
    public static string Kind => "approval-notice";

    public static JsonTypeInfo<ApprovalNotice> TypeInfo => ApprovalsJson.Default.ApprovalNotice;

    /// <summary>The same with each attempt: by it a receiver knows what it has had already.</summary>
    public required string Id { get; init; }

    public required string ApprovalId { get; init; }

    /// <summary><see cref="IApprovalChannel.Name"/>.</summary>
    public required string Channel { get; init; }

    public required string UserId { get; init; }

    public required string ClientId { get; init; }

    public int Attempts { get; init; }

    public DateTimeOffset NextAttemptAt { get; init; }

    /// <summary>The approval's deadline: later it is of no use.</summary>
    public DateTimeOffset EndsAt { get; init; }

    [JsonIgnore]
    public long Version { get; init; }

    DateTimeOffset? IRecord<ApprovalNotice>.ExpiresAt => EndsAt;

    IEnumerable<EntityKey> IRecord<ApprovalNotice>.Keys => [EntityKey.Index("user", UserId), EntityKey.Index("client", ClientId)];

    public static string NewId() => "apn_" + Identifier.Secret();

    public ApprovalNotice AtVersion(long version) => this with { Version = version };
}
