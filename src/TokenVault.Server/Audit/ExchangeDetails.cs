using System.Text.Json.Serialization;

namespace TokenVault.Server.Audit;

/// <summary>What the audit row of a successful exchange says of it. A type, because members one by one cost several times as much.</summary>
internal sealed record ExchangeDetails
{
    public required string SubjectTokenType { get; init; }

    public required string IssuedTokenType { get; init; }

    public required string Scope { get; init; }

    /// <summary>Null: the token does not end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required string? ExpiresAt { get; init; }

    public required bool IsPrivilegedWorker { get; init; }

    public required string TokenThumbprint { get; init; }

    public required string TokensetId { get; init; }

    public required string ConnectedAccountId { get; init; }

    public string? AuditContext { get; init; }

    public string? ApprovalId { get; init; }

    /// <summary>True, or left out: the long-lived credential itself has left (T-PW-10), never to be overlooked.</summary>
    public bool? RefreshTokenIssued { get; init; }
}
