using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>
/// A search of the log: terms <c>field:value</c> with <c>AND</c>, <c>OR</c>, <c>NOT</c> and brackets, quoted texts, <c>*</c> and <c>?</c>,
/// <c>_exists_:field</c> and ranges <c>[a TO b]</c>. Terms side by side must all be met. It is decided by entries, never by the database's
/// language (T-EN-12).
/// </summary>
internal sealed record LogQuery(LogTerm Root)
{
    /// <summary>Null when the text cannot be read as a search.</summary>
    public static LogQuery? Parse(string text) => new LogQueryParser(text).Parse() is { } root ? new LogQuery(root) : null;

    public bool Matches(JsonObject entry) => Root.Matches(entry);

    /// <summary>The part of the log outside of which nothing can match, so that only that is read.</summary>
    public AuditQuery Narrow(AuditQuery query)
    {
        foreach (var term in Root.Conjuncts())
        {
            query = term switch
            {
                LogTerm.Equal { Field: "user_id" } user when query.UserId is null => query with { UserId = user.Value },
                LogTerm.Between { Field: "date" } dates => Narrow(query, dates),
                _ => query,
            };
        }

        return query;
    }

    private static AuditQuery Narrow(AuditQuery query, LogTerm.Between dates)
    {
        // The entries are compared themselves, to the millisecond; this is only where to look.
        var from = Date(dates.From) is { } since && since > DateTimeOffset.MinValue.AddDays(2) ? Identifier.LogPrefix(since) : query.Above;
        var to = Date(dates.To) is { } until && until < DateTimeOffset.MaxValue.AddDays(-2) ? Identifier.LogPrefix(until.AddDays(1)) : query.Below;
        return query with
        {
            Above = string.CompareOrdinal(from, query.Above) > 0 ? from : query.Above,
            Below = string.CompareOrdinal(to, query.Below) < 0 ? to : query.Below,
        };
    }

    private static DateTimeOffset? Date(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? date : null;
}
