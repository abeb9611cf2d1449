using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.LogStreams;

/// <summary><c>/api/v2/log-streams</c>: receivers of the audit log.</summary>
internal sealed class LogStreamEndpoints(ManagementRecords records, KeyRing ring, LogStreamPump pump)
{
    private const int MostStreams = 20;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/log-streams", "read:log_streams", ListAsync);
        routes.MapManagement("POST", "/log-streams", "create:log_streams", CreateAsync);
        routes.MapManagement("GET", "/log-streams/{id}", "read:log_streams", GetAsync);
        routes.MapManagement("PATCH", "/log-streams/{id}", "update:log_streams", UpdateAsync);
        routes.MapManagement("DELETE", "/log-streams/{id}", "delete:log_streams", DeleteAsync);
    }

    private static ManagementError Missing => ManagementError.Inexistent("log_stream");

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request) =>
        ManagementAnswer.Ok(WireJson.Array((await records.Storage.ListAllAsync<LogStream>(index: null, request.Cancellation)).Select(View)));

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request) =>
        await FindAsync(request) is { } stream ? ManagementAnswer.Ok(View(stream)) : Missing;

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        var id = "lst_" + Identifier.Log(DateTimeOffset.UnixEpoch)[^16..];
        var secret = new Secret("whsec_" + Identifier.Secret());
        return await records.WriteAsync(request, "Create a log stream", async () =>
        {
            var body = BodyReader.OfObject(json);
            var stream = Read(body, new LogStream
            {
                Id = id,
                Name = "",
                Status = LogStream.Active,
                Endpoint = "",
                ContentType = "application/json",
                ContentFormat = "JSONLINES",
                Filters = [],
                SealedSecret = ring.SealText(secret, LogStream.AadOf("secret", id)),
            });
            if (body.Refused(out var error))
            {
                return error;
            }

            if ((await records.Storage.ListAllAsync<LogStream>(index: null, request.Cancellation)).Count >= MostStreams)
            {
                return ManagementError.NotAllowed($"There are {MostStreams} log streams already.");
            }

            // From now on: what was logged before is read by the checkpoint of /logs.
            var state = new LogStreamState { Id = id, Sequence = await pump.NewestAsync(request.Cancellation) };

            // The one time that the signing secret is told.
            var answer = ManagementAnswer.Created(View(stream).With("signing_secret", secret.Reveal()));
            return new PendingWrite(new Batch().Insert(stream).Insert(state), answer) { Target = id };
        });
    }

    private async Task<ManagementAnswer> UpdateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        return await records.WriteAsync(request, "Update a log stream", async () =>
        {
            if (await FindAsync(request) is not { } current)
            {
                return Missing;
            }

            var body = BodyReader.OfObject(json);
            var stream = Read(body, current);
            if (body.Refused(out var error))
            {
                return error;
            }

            var batch = new Batch().Replace(stream);
            if (stream.Status == LogStream.Active && await records.Storage.FindAsync<LogStreamState>(stream.Id, request.Cancellation) is { } state)
            {
                // Whoever sets it active again has mended the receiver.
                batch.Replace(state with { Failures = 0, FailingSince = null, NextAttemptAt = null });
            }

            return new PendingWrite(batch, ManagementAnswer.Ok(View(stream))) { Target = stream.Id };
        });
    }

    private Task<ManagementAnswer> DeleteAsync(ManagementRequest request) =>
        records.WriteAsync(request, "Delete a log stream", async () =>
        {
            if (await FindAsync(request) is not { } stream)
            {
                return new PendingWrite(Batch: null, ManagementAnswer.NoContent);
            }

            var batch = new Batch().Delete(stream);
            if (await records.Storage.FindAsync<LogStreamState>(stream.Id, request.Cancellation) is { } state)
            {
                batch.Delete(state);
            }

            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = stream.Id };
        });

    private LogStream Read(BodyReader body, LogStream current)
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

    private ValueTask<LogStream?> FindAsync(ManagementRequest request) => records.Storage.FindAsync<LogStream>(request.Path("id"), request.Cancellation);

    private static JsonObject View(LogStream stream) => new()
    {
        ["id"] = stream.Id,
        ["name"] = stream.Name,
        ["type"] = "http",
        ["status"] = stream.Status,
        ["filters"] = WireJson.Array(stream.Filters.Select(name => new JsonObject { ["type"] = "category", ["name"] = name })),
        ["sink"] = new JsonObject
        {
            ["httpEndpoint"] = stream.Endpoint,
            ["httpContentType"] = stream.ContentType,
            ["httpContentFormat"] = stream.ContentFormat,
        },
    };
}
