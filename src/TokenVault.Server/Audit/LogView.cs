using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>A log entry as the field's tools read it.</summary>
internal sealed class LogView(TokenVaultOptions options, IHostEnvironment environment, KeyRing ring, AuditChain chain)
{
    private const string SchemaVersion = "1.0.0";

    private readonly Uri _issuer = new(options.Issuer);
    private readonly string _environment = environment.EnvironmentName.ToLowerInvariant();

    /// <summary>
    /// What no server wrote is shown as that (T-AU-03): neither as the truth, nor so that a list, a search or a stream ends at it (F-38).
    /// </summary>
    public JsonObject Of(StoredAuditRow row) => Of(row.Id, row.At, (IsGenuine(row) ? Read(row) : null) ?? new AuditEvent
    {
        Type = AuditType.LogEntryCorrupt,
        Description = "The entry is not as a server wrote it. See what 'tokenvault-server audit verify' finds.",
    });

    public JsonObject Of(string id, DateTimeOffset at, AuditEvent entry)
    {
        var json = new JsonObject
        {
            ["_id"] = id,
            ["log_id"] = id,
            ["date"] = WireJson.Date(at),
            ["type"] = entry.Type,
            ["tenant_name"] = _issuer.Host,
            ["hostname"] = _issuer.Authority,
            ["environment_name"] = _environment,
        };
        json.With("description", entry.Description)
            .With("client_id", entry.ClientId)
            .With("client_name", entry.ClientName)
            .With("connection", entry.Connection)
            .With("connection_id", entry.ConnectionId)
            .With("strategy", entry.Strategy)
            .With("user_id", entry.UserId)
            .With("user_name", entry.UserName)
            .With("audience", entry.Audience)
            .With("scope", entry.Scope)
            .With("ip", entry.Ip)
            .With("user_agent", entry.UserAgent)
            .With("auth0_client", entry.Auth0Client?.DeepClone())
            .With("details", entry.Details?.DeepClone());
        if (entry.UserAgent is { } agent)
        {
            json["isMobile"] = agent.Contains("Mobi", StringComparison.Ordinal);
        }

        if (entry.TraceId is not null || entry.CorrelationId is not null)
        {
            json["references"] = new JsonObject().With("trace_id", entry.TraceId).With("correlation_id", entry.CorrelationId);
        }

        json["$event_schema"] = new JsonObject { ["version"] = SchemaVersion };
        return json;
    }

    /// <summary>Rows of versions that made no seals have none; which those are, the chain knows.</summary>
    private bool IsGenuine(StoredAuditRow row) => row.Mac is { } mac
        ? CryptographicOperations.FixedTimeEquals(mac, AuditSeal.Of(ring, row))
        : row.Sequence <= chain.Head?.AdoptedThrough;

    private static AuditEvent? Read(StoredAuditRow row)
    {
        try
        {
            var entry = JsonSerializer.Deserialize(row.Body, AuditJson.Default.AuditEvent);
            RequireText(entry?.Details);
            RequireText(entry?.Auth0Client);
            return entry?.Details is null or JsonObject ? entry : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Broken text and members that are there twice are noticed only when they are looked at: look now.</summary>
    private static void RequireText(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var (_, value) in members)
                {
                    RequireText(value);
                }

                break;
            case JsonArray items:
                foreach (var item in items)
                {
                    RequireText(item);
                }

                break;
            case JsonValue value:
                _ = value.ToString();
                break;
        }
    }
}
