using TokenVault.Server.Storage;

namespace TokenVault.Server.Http;

/// <summary>A commit that is ready, with the answer to give once it is durable; or a refusal, and no commit.</summary>
internal sealed record PendingWrite(Batch? Batch, ManagementAnswer Answer)
{
    /// <summary>The id of what is written, for the audit log.</summary>
    public string? Target { get; init; }

    /// <summary>The version that this write changes or removes, which a caller's <c>If-Match</c> has to name; null when it makes something new.</summary>
    public long? Replaced { get; init; }

    /// <summary>What to say when a unique key is taken.</summary>
    public string Duplicate { get; init; } = "The resource already exists.";

    public static implicit operator PendingWrite(ManagementError error) => new(Batch: null, error);
}
