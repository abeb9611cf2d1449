using System.Text.Json.Nodes;
using TokenVault.Server.Http;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary><c>/api/v2/logs</c> and <c>/api/v2/users/{id}/logs</c>: the audit log, for reading only.</summary>
internal sealed class LogEndpoints(IStorage storage, LogView view, TokenVaultOptions options) : IDisposable
{
    /// <summary>As in the field: whoever wants more narrows the search, or goes on by a checkpoint.</summary>
    private const int MostMatches = 1000;

    private const int MostExamined = 100_000;
    private const int ChunkSize = 500;
    private const int MostWaiting = 8;

    /// <summary>A search reads and compares for as long as it takes: never on all processors at once, which belong to the exchanges.</summary>
    private readonly SemaphoreSlim _turns = new(Math.Max(1, Environment.ProcessorCount / 2));

    private int _waiting;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapManagement("GET", "/logs", "read:logs", ListAsync).Describe(LogDocs.List(view));
        routes.MapManagement("GET", "/logs/{id}", "read:logs", GetAsync).Describe(LogDocs.Get(view));

        // Also of users who are gone: what they did stays.
        routes.MapManagement("GET", "/users/{id}/logs", new RequiredScope("read:logs", "read:logs_users"), ListOfUserAsync).Describe(LogDocs.OfUser(view));
    }

    public void Dispose() => _turns.Dispose();

    private async Task<ManagementAnswer> GetAsync(ManagementRequest request) =>
        await storage.FindAuditAsync(request.Path("id"), request.Cancellation) is { } row ? ManagementAnswer.Ok(view.Of(row)) : ManagementError.Inexistent("log");

    private Task<ManagementAnswer> ListAsync(ManagementRequest request) =>
        request.Query.Has("from") || request.Query.Has("take") ? CheckpointAsync(request) : PageAsync(request, userId: null);

    private Task<ManagementAnswer> ListOfUserAsync(ManagementRequest request) => PageAsync(request, request.Path("id"));

    /// <summary>Entries in the order in which they became durable: whoever goes on after the last one misses none.</summary>
    private async Task<ManagementAnswer> CheckpointAsync(ManagementRequest request)
    {
        var from = request.Query.Text("from");
        var take = request.Query.Number("take", 50, 1, PageRequest.Largest);
        var fields = FieldFilter.Read(request.Query);
        var after = from is null ? 0 : await SequenceOfAsync(from, request.Cancellation);
        if (after is null)
        {
            request.Query.Refuse("No log entry has this id", "from");
        }

        if (request.Query.Refused(out var error))
        {
            return error;
        }

        var rows = await storage.ReadAuditAsync(after!.Value, take, request.Cancellation);
        var next = rows.Count > 0 ? rows[^1].Id : from;
        return ManagementAnswer.Ok(WireJson.Array(rows.Select(row => fields.Apply(view.Of(row))))) with
        {
            Link = next is null ? null : $"<{options.Issuer}{ManagementRoutes.BasePath}logs?from={Uri.EscapeDataString(next)}&take={take}>; rel=\"next\"",
        };
    }

    /// <summary>When retention has removed the entry, the first one after it is where to go on.</summary>
    private async Task<long?> SequenceOfAsync(string id, CancellationToken cancellationToken)
    {
        if (await storage.FindAuditAsync(id, cancellationToken) is { } row)
        {
            return row.Sequence;
        }

        var oldest = await storage.ReadAuditAsync(0, 1, cancellationToken);
        return id.StartsWith("900", StringComparison.Ordinal) && oldest.Count > 0 && string.CompareOrdinal(id, oldest[0].Id) < 0 ? 0 : null;
    }

    private async Task<ManagementAnswer> PageAsync(ManagementRequest request, string? userId)
    {
        var page = PageRequest.Read(request.Query, _ => null);
        var fields = FieldFilter.Read(request.Query);
        var query = new AuditQuery { UserId = userId, Descending = IsDescending(request.Query) };
        var text = request.Query.Text("q") ?? request.Query.Text("search");
        var search = text is null ? null : LogQuery.Parse(text);
        if (text is not null && search is null)
        {
            request.Query.Refuse("The search cannot be read", "q");
        }

        if (request.Query.Refused(out var error))
        {
            return error;
        }

        if (search is not null)
        {
            return await InTurnAsync(() => SearchAsync(search, query, page, fields, request.Cancellation), request.Cancellation);
        }

        var rows = page.Limit == 0 ? [] : await storage.ListAuditAsync(query with { Offset = page.Start, Take = page.Limit }, request.Cancellation);
        var total = page.IncludeTotals ? await storage.CountAuditAsync(query, request.Cancellation) : 0;
        return Answer(page, [.. rows.Select(row => fields.Apply(view.Of(row)))], total);
    }

    /// <summary>Searches wait for one another, a few at most: SDKs ask again when they are told to.</summary>
    private async Task<ManagementAnswer> InTurnAsync(Func<Task<ManagementAnswer>> search, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return ManagementError.TooManyRequests("Too many searches of the log at once");
        }

        try
        {
            await _turns.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        try
        {
            return await search();
        }
        finally
        {
            _turns.Release();
        }
    }

    private async Task<ManagementAnswer> SearchAsync(
        LogQuery search, AuditQuery query, PageRequest page, FieldFilter fields, CancellationToken cancellationToken)
    {
        if (page.Start + page.Limit > MostMatches)
        {
            return ManagementError.InvalidQuery($"Only the first {MostMatches} entries of a search can be paged through", "page");
        }

        var found = new List<JsonObject>();
        var wanted = page.IncludeTotals ? MostMatches : page.Start + page.Limit;
        var (rest, isPartial) = (search.Narrow(query) with { Take = ChunkSize }, false);
        for (var examined = 0; found.Count < wanted; examined += ChunkSize)
        {
            if (examined >= MostExamined)
            {
                isPartial = true;
                break;
            }

            var rows = await storage.ListAuditAsync(rest, cancellationToken);
            found.AddRange(rows.Select(view.Of).Where(search.Matches).Take(wanted - found.Count));
            if (rows.Count < ChunkSize)
            {
                break;
            }

            rest = rest.Descending ? rest with { Below = rows[^1].Id } : rest with { Above = rows[^1].Id };

            // SQLite answers on this very thread, which others wait for.
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
        }

        return Answer(page, fields, found, isPartial);
    }

    /// <summary>The total is that of what was looked through; a list that says nothing of its end must not seem to have reached it.</summary>
    private static ManagementAnswer Answer(PageRequest page, FieldFilter fields, List<JsonObject> found, bool isPartial)
    {
        if (isPartial && !page.IncludeTotals)
        {
            return ManagementError.InvalidQuery($"The search went through {MostExamined} entries: narrow it by date or user_id, or ask for totals", "q");
        }

        var answer = Answer(page, [.. found.Skip(page.Start).Take(page.Limit).Select(fields.Apply)], found.Count);
        if (isPartial)
        {
            answer.Body!["partial"] = true;
        }

        return answer;
    }

    private static bool IsDescending(QueryReader query)
    {
        switch (query.Text("sort"))
        {
            case null or "date:-1":
                return true;
            case "date:1":
                return false;
            default:
                query.Refuse("Expected date:1 or date:-1", "sort");
                return true;
        }
    }

    private static ManagementAnswer Answer(PageRequest page, List<JsonObject> entries, long total)
    {
        var logs = WireJson.Array(entries);
        return ManagementAnswer.Ok(page.IncludeTotals
            ? new JsonObject { ["start"] = page.Start, ["limit"] = page.Limit, ["length"] = logs.Count, ["total"] = total, ["logs"] = logs }
            : logs);
    }
}
