namespace TokenVault.Server.Http;

/// <summary>
/// Which part of a list is asked for. Three forms are in use: nothing or <c>page</c> alone answers a bare array, <c>include_totals</c>
/// an object with totals, <c>from</c>/<c>take</c> an object with a cursor.
/// </summary>
internal sealed record PageRequest
{
    public const int Largest = 100;

    private const int Default = 50;

    public bool Checkpoint { get; private init; }

    public bool IncludeTotals { get; private init; }

    /// <summary>How many rows to skip; with checkpoint paging 0.</summary>
    public int Start { get; private init; }

    public int Limit { get; private init; }

    /// <summary>With checkpoint paging: the id that the page begins after.</summary>
    public string? After { get; private init; }

    /// <param name="always">The list knows no other form than the object with a cursor.</param>
    public static PageRequest Read(QueryReader query, Func<string, string?> readCursor, bool always = false)
    {
        if (always || query.Has("take") || query.Has("from"))
        {
            var from = query.Text("from");
            var after = from is null ? null : readCursor(from);
            if (from is not null && after is null)
            {
                query.Refuse("The cursor is not one of this list", "from");
            }

            return new PageRequest { Checkpoint = true, After = after, Limit = query.Number("take", Default, 1, Largest) };
        }

        var limit = query.Number("per_page", Default, 0, Largest);
        return new PageRequest
        {
            IncludeTotals = query.Flag("include_totals") ?? false,
            Limit = limit,
            Start = query.Number("page", 0, 0, 1_000_000) * limit,
        };
    }
}
