using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace TokenVault.Server.Diagnostics;

/// <summary>
/// What the server measures of its own work. Every tag is one of a few words of ours, a provider's host or an HTTP status: nothing that
/// came with a request can be in it (T-AU-01).
/// </summary>
internal static class Telemetry
{
    /// <summary>Of the meter and of the activity source.</summary>
    public const string Name = "TokenVault";

    private static readonly ActivitySource Activities = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Counter<long> Exchanges =
        Meter.CreateCounter<long>("tokenvault.exchanges", "{exchange}", "Answered exchanges: success, or the reason or error code.");

    private static readonly Counter<long> Refreshes =
        Meter.CreateCounter<long>("tokenvault.refreshes", "{refresh}", "Refreshes at providers: success, or what went wrong.");

    private static readonly Histogram<double> UpstreamDuration =
        Meter.CreateHistogram<double>("tokenvault.upstream.duration", "s", "Calls to providers: how long each took.");

    public static void Exchanged(string outcome) => Exchanges.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public static void Refreshed(string outcome) => Refreshes.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>Null when nobody listens.</summary>
    public static Activity? StartUpstreamCall() => Activities.StartActivity("provider", ActivityKind.Client);

    /// <param name="outcome">The HTTP status, or why there is none.</param>
    public static void EndUpstreamCall(Activity? activity, string host, string outcome, TimeSpan elapsed)
    {
        activity?.SetTag("server.address", host).SetTag("outcome", outcome);
        UpstreamDuration.Record(
            elapsed.TotalSeconds, new KeyValuePair<string, object?>("server.address", host), new KeyValuePair<string, object?>("outcome", outcome));
    }
}
