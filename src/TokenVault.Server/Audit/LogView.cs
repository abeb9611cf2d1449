using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>A log entry as the field's tools read it.</summary>
internal sealed class LogView(TokenVaultOptions options)
{
    private const string SchemaVersion = "1.0.0";

    private readonly Uri _issuer = new(options.Issuer);

    /// <summary>What no server wrote is shown as that: a list, a search or a stream must not end at it (F-38).</summary>
    public JsonObject Of(StoredAuditRow row)
    {
        var entry = Read(row) ?? new AuditEvent
        {
            Type = AuditType.LogEntryCorrupt,
            Description = "The entry cannot be read. See what 'tokenvault-server audit verify' finds.",
        };
        var json = new JsonObject
        {
            ["_id"] = row.Id,
            ["log_id"] = row.Id,
            ["date"] = WireJson.Date(row.At),
            ["type"] = entry.Type,
            ["tenant_name"] = _issuer.Host,
            ["hostname"] = _issuer.Authority,
        };
        json.With("description", entry.Description)
            .With("client_id", entry.ClientId)
            .With("client_name", entry.ClientName)
            .With("connection", entry.Connection)
            .With("connection_id", entry.ConnectionId)
            .With("user_id", entry.UserId)
            .With("user_name", entry.UserName)
            .With("audience", entry.Audience)
            .With("scope", entry.Scope)
            .With("ip", entry.Ip)
            .With("user_agent", entry.UserAgent)
            .With("details", entry.Details?.DeepClone());
        if (entry.TraceId is { } trace)
        {
            json["references"] = new JsonObject { ["trace_id"] = trace };
        }

        json["$event_schema"] = new JsonObject { ["version"] = SchemaVersion };
        return json;
    }

    private static AuditEvent? Read(StoredAuditRow row)
    {
        try
        {
            var entry = JsonSerializer.Deserialize(row.Body, AuditJson.Default.AuditEvent);
            RequireText(entry?.Details);
            return entry;
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
