using System.Diagnostics;
using OpenTelemetry;

namespace TokenVault.Server.Diagnostics;

/// <summary>
/// Lets only those tags leave in a trace that cannot hold a secret. The framework adds others, the URL's path and the caller's user agent
/// among them (T-AU-01). What a caller put into its trace state goes nowhere either.
/// </summary>
internal sealed class TraceTags : BaseProcessor<Activity>
{
    private static readonly HashSet<string> Harmless = new(StringComparer.Ordinal)
    {
        "error.type", "http.request.method", "http.response.status_code", "http.route", "network.protocol.version", "outcome", "server.address",
        "server.port", "url.scheme",
    };

    public override void OnEnd(Activity data)
    {
        foreach (var (name, _) in data.TagObjects.ToList())
        {
            if (!Harmless.Contains(name))
            {
                // Null removes it.
                data.SetTag(name, null);
            }
        }

        data.TraceStateString = null;
    }
}
