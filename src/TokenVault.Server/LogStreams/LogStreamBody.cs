using TokenVault.Server.Http;
using TokenVault.Server.Keys;

namespace TokenVault.Server.LogStreams;

/// <summary>Reads a log stream from a request.</summary>
internal sealed class LogStreamBody(KeyRing ring)
{
    public static LogStream Blank(string id) => new()
    {
        Id = id,
        Name = "",
        Status = LogStream.Active,
        Endpoint = "",
        ContentType = "application/json",
        ContentFormat = "JSONLINES",
        Filters = [],
    };

    /// <summary>What a body makes of a stream.</summary>
    public LogStream Read(BodyReader body, LogStream current)
    {
        body.Fixed("type", "\"http\"");
        var read = current with
        {
            Name = body.RequiredText("name", current.Name, 255),
            Status = body.OneOf("status", current.Status, LogStream.Active, LogStream.Active, LogStream.Paused, LogStream.Suspended),
            Filters = body.Objects("filters", current.Filters, LogCategory.All.Count, ReadFilter),
        };
        if (body.IsNull("sink") || (current.Endpoint.Length == 0 && !body.Has("sink")))
        {
            body.Refuse("Missing required property: sink", "sink");
        }

        return body.Nested("sink", read, read, sink => ReadSink(sink, read));
    }

    private LogStream ReadSink(BodyReader sink, LogStream current)
    {
        var authorization = sink.Text("httpAuthorization", current: null, 2048, HeaderProblem);
        var read = current with
        {
            Endpoint = sink.RequiredText("httpEndpoint", current.Endpoint, WebUri.LongestUri, UrlProblem),
            ContentType = sink.OneOf("httpContentType", current.ContentType, "application/json", "application/json", "application/x-ndjson"),
            ContentFormat = sink.OneOf("httpContentFormat", current.ContentFormat, "JSONLINES", "JSONLINES", "JSONARRAY"),
        };

        // A stored credential must not follow the stream to another receiver.
        var former = read.Endpoint == current.Endpoint && !sink.IsNull("httpAuthorization") ? current.SealedAuthorization : null;
        return read with
        {
            SealedAuthorization = authorization is null ? former : ring.SealText(new Secret(authorization), LogStream.AadOf("authorization", current.Id)),
        };
    }

    private static string ReadFilter(BodyReader filter)
    {
        filter.Fixed("type", "\"category\"");
        return filter.RequiredText("name", "", 64, name => LogCategory.All.Contains(name) ? null : "Unknown category");
    }

    private static string? UrlProblem(string url) => WebUri.IsAcceptable(url, out var problem) ? null : problem;

    private static string? HeaderProblem(string value) => value.All(c => c is >= ' ' and <= '~') ? null : "A header has printable ASCII characters only";
}
