using System.Diagnostics;
using System.Text.Json;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>Where events come from: it stamps and seals them, and they go into the commit they belong to.</summary>
internal sealed class AuditLog(KeyRing ring, TimeProvider time)
{
    /// <summary>The row to append in the commit whose act it records.</summary>
    public AuditRow Row(AuditEvent auditEvent)
    {
        var now = time.GetUtcNow();
        var stamped = auditEvent with { LogId = Identifier.Log(now), Date = now, TraceId = Activity.Current?.TraceId.ToHexString() };
        var row = new AuditRow(stamped.LogId, now, JsonSerializer.SerializeToUtf8Bytes(stamped, AuditJson.Default.AuditEvent)) { UserId = stamped.UserId };
        return row with { Mac = AuditSeal.Of(ring, row) };
    }
}
