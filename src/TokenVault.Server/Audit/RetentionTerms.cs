using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Audit;

/// <summary>The position of every log stream: the last row that its receiver has had, by the stream's id.</summary>
internal delegate ValueTask<IReadOnlyDictionary<string, long>> StreamPositions(CancellationToken cancellationToken);

/// <summary>How long log entries are kept, and who may still want them.</summary>
internal sealed record RetentionTerms(int Days, IReadOnlyDictionary<string, long> Streams)
{
    /// <summary>How much longer a row is kept for a stream that is paused, suspended or behind; then it goes, and the event names the stream.</summary>
    public static readonly TimeSpan StreamGrace = TimeSpan.FromDays(7);

    public bool MayGo(AuditSegment segment, DateTimeOffset now)
    {
        var end = segment.NewestAt + TimeSpan.FromDays(Days);
        return end < now && (end + StreamGrace < now || Streams.Values.All(position => position >= segment.Last));
    }

    public AuditEvent Event(int rows, long through)
    {
        var details = new JsonObject { ["entries"] = rows, ["last_sequence"] = through };
        var behind = Streams.Where(stream => stream.Value < through).Select(stream => stream.Key).Order(StringComparer.Ordinal).ToList();
        return new AuditEvent
        {
            Type = AuditType.AuditRetired,
            Description = $"Removed {rows} entries older than {Days} days",
            Details = behind.Count == 0 ? details : details.With("undelivered_log_streams", WireJson.Texts(behind)),
        };
    }
}
