using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Diagnostics;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: it can do its work, which needs the store.</summary>
internal sealed class Health(IStorage storage, KeyRing ring, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>A probe writes to the disk, and anybody may ask: many share one.</summary>
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private Task<bool> _probe = Task.FromResult(false);
    private DateTimeOffset _probedAt = DateTimeOffset.MinValue;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", context => WriteAsync(context, healthy: true));
        routes.MapGet("/health/ready", ReadyAsync);
    }

    private async Task ReadyAsync(HttpContext context)
    {
        Task<bool> probe;
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (_probe.IsCompleted && now - _probedAt >= Freshness)
            {
                _probe = Task.Run(ProbeAsync, CancellationToken.None);
                _probedAt = now;
            }

            probe = _probe;
        }

        await WriteAsync(context, await InTimeAsync(probe, context.RequestAborted));
    }

    private async Task<bool> InTimeAsync(Task<bool> probe, CancellationToken cancellationToken)
    {
        try
        {
            return await probe.WaitAsync(Patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task<bool> ProbeAsync()
    {
        try
        {
            await storage.ProbeAsync(CancellationToken.None);

            // Vault keys that this node cannot unwrap: what others seal, it cannot open.
            return ring.Staleness is not StartupException;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private static Task WriteAsync(HttpContext context, bool healthy)
    {
        context.Response.StatusCode = healthy ? 200 : 503;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(healthy ? """{"status":"ok"}""" : """{"status":"unavailable"}""", context.RequestAborted);
    }
}
