using System.Text.Json.Nodes;
using TokenVault.Server.Http.Search;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>A search of the log; it is decided by entries, never by the database's language (T-EN-12).</summary>
internal sealed record LogQuery(SearchTerm Root)
{
    private static readonly SearchSubject Subject =
        new(["type", "description", "user_id", "user_name", "client_id", "client_name", "connection", "ip", "audience", "log_id"])
        {
            WordsAnywhere = true,
            SideBySide = true,
            AnySigns = true,
        };

    /// <summary>Null when the text cannot be read as a search.</summary>
    public static LogQuery? Parse(string text) => SearchParser.TryParse(text, Subject, out var root, out _) ? new LogQuery(root) : null;

    public bool Matches(JsonObject entry) => Root.Matches(entry);

    /// <summary>The part of the log outside of which nothing can match, so that only that is read.</summary>
    public AuditQuery Narrow(AuditQuery query)
    {
        foreach (var term in Root.Conjuncts())
        {
            query = term switch
            {
                EqualTerm { Field: "user_id" } user when query.UserId is null => query with { UserId = user.Value },
                RangeTerm { Field: "date" } dates => Narrow(query, dates),
                _ => query,
            };
        }

        return query;
    }

    private static AuditQuery Narrow(AuditQuery query, RangeTerm dates)
    {
        // The entries are compared themselves, to the millisecond; this is only where to look.
        var from = Instants.Read(dates.Low ?? "") is { } since ? Identifier.LogPrefix(Utc(since.Start)) : query.Above;
        var to = Instants.Read(dates.High ?? "") is { } until ? Identifier.LogPrefix(Utc(until.End)) : query.Below;
        return query with
        {
            Above = string.CompareOrdinal(from, query.Above) > 0 ? from : query.Above,
            Below = string.CompareOrdinal(to, query.Below) < 0 ? to : query.Below,
        };
    }

    private static DateTimeOffset Utc(DateTime instant) => new(instant, TimeSpan.Zero);
}
