using TokenVault.Server.Audit;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Http;

/// <summary>Tells the log that somebody has met a limit: once a minute for each, or the log would be what the limit protects from.</summary>
internal sealed class LimitAlarm(AttemptLimiter limiter, IStorage storage, AuditLog audit)
{
    public async ValueTask RaiseAsync(string key, AuditEvent told)
    {
        if (limiter.Begin("alarm " + key, limit: 1) is null)
        {
            await storage.CommitAsync(new Batch().Append(audit.Row(told)));
        }
    }
}
