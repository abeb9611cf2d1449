using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using TokenVault.Server.Http;

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

    /// <summary>What the caller's SDK says of itself: <c>name</c>, <c>version</c>, <c>env</c>.</summary>
    public JsonObject? Auth0Client { get; init; }

    /// <summary>The kind of the connection, as its <c>strategy</c> says.</summary>
    public string? Strategy { get; init; }

    /// <summary>What the caller marked the request with.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>Of the request that it belongs to, as 32 hexadecimal characters.</summary>
    public string? TraceId { get; init; }

    /// <summary>An object, by members or of a type of its own.</summary>
    public JsonNode? Details { get; init; }

    public AuditEvent From(RequestOrigin origin) =>
        this with { Ip = origin.Ip, UserAgent = origin.UserAgent, Auth0Client = origin.Sdk, CorrelationId = origin.CorrelationId };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AuditEvent))]
[JsonSerializable(typeof(ExchangeDetails))]
internal sealed partial class AuditJson : JsonSerializerContext;
