using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

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

    /// <summary>Of the request that it belongs to, as 32 hexadecimal characters.</summary>
    public string? TraceId { get; init; }

    public JsonObject? Details { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuditEvent))]
internal sealed partial class AuditJson : JsonSerializerContext;
