using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.LogStreams;

/// <summary><c>/api/v2/log-streams</c>: receivers of the audit log.</summary>
internal sealed class LogStreamEndpoints(ManagementRecords records, LogStreamBody bodies, KeyRing ring, LogStreamPump pump)
{
    private const int MostStreams = 20;

    public void Map(IEndpointRouteBuilder routes)
    {
        var docs = LogStreamDocs.Of(bodies);
        routes.MapManagement("GET", "/log-streams", "read:log_streams", ListAsync).Describe(LogStreamDocs.List);
        routes.MapManagement("POST", "/log-streams", "create:log_streams", CreateAsync).Describe(docs.Create);
        routes.MapManagement("GET", "/log-streams/{id}", "read:log_streams", GetAsync).Describe(docs.Get);
        routes.MapManagement("PATCH", "/log-streams/{id}", "update:log_streams", UpdateAsync).Describe(docs.Update);
        routes.MapManagement("DELETE", "/log-streams/{id}", "delete:log_streams", DeleteAsync).Describe(docs.Delete);
    }

    public static JsonObject View(LogStream stream) => new()
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

    private static ManagementError Missing => ManagementError.Inexistent("log_stream");

    private async Task<ManagementAnswer> ListAsync(ManagementRequest request) =>
        ManagementAnswer.Ok(WireJson.Array((await records.Storage.ListAllAsync<LogStream>(index: null, request.Cancellation)).Select(View)));

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request) =>
        await FindAsync(request) is { } stream ? ManagementAnswer.Ok(View(stream)).Tagged(stream.Version) : Missing;

    private async Task<ManagementAnswer> CreateAsync(ManagementRequest request)
    {
        var json = await request.ReadJsonAsync();
        var id = "lst_" + Identifier.Log(DateTimeOffset.UnixEpoch)[^16..];
        var secret = new Secret("whsec_" + Identifier.Secret());
        return await records.WriteAsync(request, "Create a log stream", async () =>
        {
            var body = BodyReader.OfObject(json);
            var stream = bodies.Read(body, LogStreamBody.Blank(id)) with { SealedSecret = ring.SealText(secret, LogStream.AadOf("secret", id)) };
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
            var stream = bodies.Read(body, current);
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

            return new PendingWrite(batch, ManagementAnswer.Ok(View(stream))) { Target = stream.Id, Replaced = current.Version };
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

            return new PendingWrite(batch, ManagementAnswer.NoContent) { Target = stream.Id, Replaced = stream.Version };
        });

    private ValueTask<LogStream?> FindAsync(ManagementRequest request) => records.Storage.FindAsync<LogStream>(request.Path("id"), request.Cancellation);
}
