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

    /// <exception cref="CorruptRecordException">The row's body is no event.</exception>
    public JsonObject Of(StoredAuditRow row)
    {
        var entry = Read(row);
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

    private static AuditEvent Read(StoredAuditRow row)
    {
        try
        {
            return JsonSerializer.Deserialize(row.Body, AuditJson.Default.AuditEvent) ?? throw new CorruptRecordException("audit row", row.Id, inner: null);
        }
        catch (JsonException e)
        {
            throw new CorruptRecordException("audit row", row.Id, e);
        }
    }
}
