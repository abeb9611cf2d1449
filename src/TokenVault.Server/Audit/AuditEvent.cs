using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>A tenant log entry. It can hold no secret: tokens appear as thumbprints only.</summary>
internal sealed record AuditEvent
{
    public string LogId { get; init; } = "";

    public DateTimeOffset Date { get; init; }

    /// <summary>An event code: one of <see cref="AuditType"/>.</summary>
    public required string Type { get; init; }

    public string? Description { get; init; }

    public string? ClientId { get; init; }

    public string? ClientName { get; init; }

    public string? Connection { get; init; }

    public string? ConnectionId { get; init; }

    public string? UserId { get; init; }

    public string? UserName { get; init; }

    public string? Audience { get; init; }

    public string? Scope { get; init; }

    public string? Ip { get; init; }

    public string? UserAgent { get; init; }

    public JsonObject? Details { get; init; }
}

/// <summary>Event codes, as tenant log readers know them.</summary>
internal static class AuditType
{
    public const string SuccessfulVaultExchange = "seta";
    public const string FailedVaultExchange = "feta";
    public const string SuccessfulCodeExchange = "seacft";
    public const string FailedCodeExchange = "feacft";
    public const string SuccessfulRefreshExchange = "sertft";
    public const string FailedRefreshExchange = "fertft";
    public const string RefreshTokenReuse = "ferrt";
    public const string SuccessfulClientCredentials = "seccft";
    public const string FailedClientCredentials = "feccft";
    public const string SuccessfulLogin = "s";
    public const string FailedLogin = "f";
    public const string FailedLoginWrongPassword = "fp";
    public const string SuccessfulLogout = "slo";
    public const string RevokedRefreshToken = "srrt";
    public const string ManagementWrite = "sapi";
    public const string ConnectedAccountSucceeded = "connected_accounts_connection_succeeded";
    public const string ConnectedAccountFailed = "connected_accounts_connection_failed";
    public const string ConnectedAccountDeleted = "connected_accounts_delete_succeeded";
    public const string TokensetRefreshed = "tokenset_refreshed";
    public const string TokensetDied = "tokenset_died";
    public const string TokensetCorrupt = "tokenset_corrupt";
    public const string TokensetAnswerUnread = "tokenset_answer_unread";
    public const string TokenRevoked = "token_revoked";
    public const string TokenRevocationFailed = "token_revocation_failed";
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuditEvent))]
internal sealed partial class AuditJson : JsonSerializerContext;

/// <summary>Where events come from: it stamps them, and they go into the commit they belong to.</summary>
internal sealed class AuditLog(TimeProvider time)
{
    /// <summary>The row to append in the commit whose act it records.</summary>
    public AuditRow Row(AuditEvent auditEvent)
    {
        var now = time.GetUtcNow();
        var stamped = auditEvent with { LogId = Identifier.Log(now), Date = now };
        return new AuditRow(stamped.LogId, now, System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(stamped, AuditJson.Default.AuditEvent));
    }
}
