using System.Globalization;
using Microsoft.AspNetCore.Http;
using TokenVault.Faults.Nodes;
using TokenVault.Testing;

namespace TokenVault.Faults.Scenarios;

/// <summary>Faults that go by the nodes' clock.</summary>
internal sealed class FastFaults(FastClock clock)
{
    private static readonly TimeSpan AskedFor = TimeSpan.FromSeconds(10);

    /// <summary>Nothing is decided and nothing is said, until the caller gives up.</summary>
    public Fault Silent { get; } = Fault.Hang();

    public Fault TooManyRequestsUntil => new()
    {
        Replace = context =>
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            context.Response.Headers.RetryAfter = (clock.GetUtcNow() + AskedFor).ToString("R", CultureInfo.InvariantCulture);
            return Task.CompletedTask;
        },
    };
}
