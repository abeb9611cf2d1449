using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Http;

/// <summary>
/// How the Management API reads lists and writes nouns: every write retries a lost race, and leaves its audit row in the same commit.
/// </summary>
internal sealed class ManagementRecords(IStorage storage, AuditLog audit, Cursors cursors)
{
    private const int Attempts = 8;

    public IStorage Storage { get; } = storage;

    /// <summary>Commits what <paramref name="prepare"/> builds from what is stored now; builds it anew when another request was faster.</summary>
    /// <param name="description">For the audit log: <c>Update a client</c>.</param>
    public async Task<ManagementAnswer> WriteAsync(ManagementRequest request, string description, Func<Task<PendingWrite>> prepare)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            request.Cancellation.ThrowIfCancellationRequested();
            var write = await prepare();
            if (write.Batch is null)
            {
                return write.Answer;
            }

            if (write.Replaced is { } version && !request.Expects(version))
            {
                return ManagementError.PreconditionFailed;
            }

            var row = audit.Row(request.Audit(description, write.Answer.Status, write.Target));
            var result = await Storage.CommitAsync(write.Batch.Append(row));
            if (result.Committed)
            {
                return Tagged(write);
            }

            if (result.Outcome == CommitOutcome.Duplicate)
            {
                return ManagementError.Conflict(write.Duplicate);
            }
        }

        return ManagementError.Conflict("Other requests keep changing this resource. Try again.");
    }

    /// <summary>The row for a write that commits elsewhere, to go into that same commit.</summary>
    public AuditRow Row(ManagementRequest request, string description, int status, string? target) =>
        audit.Row(request.Audit(description, status, target));

    /// <summary>A replacement makes the next version.</summary>
    private static ManagementAnswer Tagged(PendingWrite write) =>
        write.Replaced is { } version && write.Answer.Body is not null ? write.Answer.Tagged(version + 1) : write.Answer;

    public async Task<ManagementAnswer> ListAsync<T>(ManagementRequest request, ManagementList<T> list)
        where T : class, IRecord<T>
    {
        var page = Page(request, list);
        var fields = FieldFilter.Read(request.Query);
        if (request.Query.Refused(out var error))
        {
            return error;
        }

        if (list.Where is not null)
        {
            return Answer(page, fields, list, await Storage.ListWhereAsync(list.Index, list.Where, request.Cancellation));
        }

        var query = new ListQuery(T.Kind)
        {
            Index = list.Index,
            After = page.After,
            Offset = page.Start,
            Take = page.Limit + (page.Checkpoint ? 1 : 0),
        };
        var rows = page.Limit == 0 ? [] : await Storage.ListAsync(query, request.Cancellation);
        var total = page.IncludeTotals ? await Storage.CountAsync(query, request.Cancellation) : 0;
        return Answer(page, fields, list, [.. rows.Select(row => row.ToRecord<T>())], total);
    }

    /// <summary>A page, in any of the forms, of rows that are all at hand.</summary>
    public ManagementAnswer Answer<T>(ManagementRequest request, ManagementList<T> list, List<T> all)
        where T : class, IRecord<T>
    {
        var page = Page(request, list);
        var fields = FieldFilter.Read(request.Query);
        return request.Query.Refused(out var error) ? error : Answer(page, fields, list, all);
    }

    /// <summary>A page of a list that is not stored as such; it knows the form with a cursor only.</summary>
    public ManagementAnswer Checkpoint<T>(
        ManagementRequest request, string collection, string filterText, IEnumerable<T> items, Func<T, string> id, Func<T, JsonObject> view)
    {
        var page = PageRequest.Read(request.Query, cursor => cursors.Read(cursor, collection, filterText), always: true);
        var fields = FieldFilter.Read(request.Query);
        if (request.Query.Refused(out var error))
        {
            return error;
        }

        var rest = items
            .OrderBy(id, StringComparer.Ordinal)
            .SkipWhile(item => page.After is not null && string.CompareOrdinal(id(item), page.After) <= 0)
            .Take(page.Limit + 1)
            .ToList();
        return CheckpointAnswer(page, collection, filterText, rest, id, item => fields.Apply(view(item)));
    }

    private PageRequest Page<T>(ManagementRequest request, ManagementList<T> list)
        where T : class, IRecord<T> =>
        PageRequest.Read(request.Query, cursor => cursors.Read(cursor, list.Collection, list.FilterText));

    private ManagementAnswer Answer<T>(PageRequest page, FieldFilter fields, ManagementList<T> list, List<T> all)
        where T : class, IRecord<T>
    {
        var part = page.Checkpoint
            ? all.OrderBy(record => record.Id, StringComparer.Ordinal)
                .SkipWhile(record => page.After is not null && string.CompareOrdinal(record.Id, page.After) <= 0).Take(page.Limit + 1)
            : all.Skip(page.Start).Take(page.Limit);
        return Answer(page, fields, list, [.. part], all.Count);
    }

    private ManagementAnswer Answer<T>(PageRequest page, FieldFilter fields, ManagementList<T> list, IReadOnlyList<T> part, long total)
        where T : class, IRecord<T>
    {
        JsonObject View(T record) => fields.Apply(list.View(record));

        if (page.Checkpoint)
        {
            return CheckpointAnswer(page, list.Collection, list.FilterText, part, record => record.Id, View);
        }

        var items = WireJson.Array(part.Select(View));
        if (!page.IncludeTotals)
        {
            return ManagementAnswer.Ok(items);
        }

        return ManagementAnswer.Ok(new JsonObject
        {
            ["start"] = page.Start,
            ["limit"] = page.Limit,
            ["length"] = items.Count,
            ["total"] = total,
            [list.Collection] = items,
        });
    }

    private ManagementAnswer CheckpointAnswer<T>(
        PageRequest page, string collection, string filterText, IReadOnlyList<T> partAndOne, Func<T, string> id, Func<T, JsonObject> view)
    {
        var part = partAndOne.Take(page.Limit).ToList();
        var answer = new JsonObject { [collection] = WireJson.Array(part.Select(view)) };

        // A cursor exists only while something follows: tools stop when it is absent.
        return ManagementAnswer.Ok(partAndOne.Count > page.Limit ? answer.With("next", cursors.After(id(part[^1]), collection, filterText)) : answer);
    }
}
