using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Audit;

/// <summary>A part of a search.</summary>
internal abstract record LogTerm
{
    public abstract bool Matches(JsonObject entry);

    /// <summary>What must be met on its own for the whole to be met.</summary>
    public virtual IEnumerable<LogTerm> Conjuncts() => [this];

    internal sealed record And(IReadOnlyList<LogTerm> Terms) : LogTerm
    {
        public override bool Matches(JsonObject entry) => Terms.All(term => term.Matches(entry));

        public override IEnumerable<LogTerm> Conjuncts() => Terms.SelectMany(term => term.Conjuncts());
    }

    internal sealed record Or(IReadOnlyList<LogTerm> Terms) : LogTerm
    {
        public override bool Matches(JsonObject entry) => Terms.Any(term => term.Matches(entry));
    }

    internal sealed record Not(LogTerm Term) : LogTerm
    {
        public override bool Matches(JsonObject entry) => !Term.Matches(entry);
    }

    internal sealed record Equal(string Field, string Value) : LogTerm
    {
        public override bool Matches(JsonObject entry) => ValuesOf(entry, Field).Any(value => value.Equals(Value, StringComparison.OrdinalIgnoreCase));
    }

    internal sealed record Like(string Field, Wildcard Pattern) : LogTerm
    {
        public override bool Matches(JsonObject entry) => ValuesOf(entry, Field).Any(Pattern.Fits);
    }

    internal sealed record Exists(string Field) : LogTerm
    {
        public override bool Matches(JsonObject entry) => Node(entry, Field) is not null;
    }

    /// <summary>A bare word, in any of the members that name somebody or something.</summary>
    internal sealed record Word(Func<string, bool> IsIn) : LogTerm
    {
        private static readonly string[] Fields =
            ["type", "description", "user_id", "user_name", "client_id", "client_name", "connection", "ip", "audience", "log_id"];

        public override bool Matches(JsonObject entry) =>
            Fields.SelectMany(field => ValuesOf(entry, field)).Any(IsIn);
    }

    /// <summary>Dates and texts in one order, since dates are written so that they sort; <c>*</c> is no bound.</summary>
    internal sealed record Between(string Field, string From, string To, bool FromIncluded, bool ToIncluded) : LogTerm
    {
        public override bool Matches(JsonObject entry) => ValuesOf(entry, Field).Any(value => IsAbove(value) && IsBelow(value));

        private bool IsAbove(string value) =>
            From == "*" || string.CompareOrdinal(value, From) is var order && (order > 0 || (order == 0 && FromIncluded));

        // A day as the upper bound means all of it.
        private bool IsBelow(string value) =>
            To == "*" || (ToIncluded && value.StartsWith(To, StringComparison.Ordinal)) || string.CompareOrdinal(value, To) < 0;
    }

    private static IEnumerable<string> ValuesOf(JsonObject entry, string field) => Node(entry, field) switch
    {
        JsonArray items => items.OfType<JsonNode>().Select(item => item.ToString()),
        JsonObject or null => [],
        var value => [value.ToString()],
    };

    private static JsonNode? Node(JsonObject entry, string field)
    {
        JsonNode? node = entry;
        foreach (var name in field.Split('.'))
        {
            node = (node as JsonObject)?[name];
        }

        return node;
    }
}
