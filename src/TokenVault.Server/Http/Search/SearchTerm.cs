using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Http.Search;

/// <summary>A piece of a search, asked of something as the API shows it.</summary>
internal abstract record SearchTerm
{
    public abstract bool Matches(JsonObject shown);

    /// <summary>What must be met on its own for the whole to be met.</summary>
    public virtual IEnumerable<SearchTerm> Conjuncts() => [this];

    /// <summary>The values at a dotted path, through lists as well.</summary>
    public static IEnumerable<JsonValue> Values(JsonNode? node, string path) => Nodes(node, path).OfType<JsonValue>();

    protected static IEnumerable<JsonNode> Nodes(JsonNode? node, string path) => Walk(node, path.Split('.'));

    protected static string TextOf(JsonValue value) =>
        value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();

    private static IEnumerable<JsonNode> Walk(JsonNode? node, ArraySegment<string> path) => node switch
    {
        JsonArray array => array.SelectMany(item => Walk(item, path)),
        JsonObject inner when path.Count > 0 => Walk(inner[path[0]], path[1..]),
        JsonObject { Count: > 0 } or JsonValue when path.Count == 0 => [node],
        _ => [],
    };
}

internal sealed record AndTerm(SearchTerm Left, SearchTerm Right) : SearchTerm
{
    public override bool Matches(JsonObject shown) => Left.Matches(shown) && Right.Matches(shown);

    public override IEnumerable<SearchTerm> Conjuncts() => Left.Conjuncts().Concat(Right.Conjuncts());
}

internal sealed record OrTerm(SearchTerm Left, SearchTerm Right) : SearchTerm
{
    public override bool Matches(JsonObject shown) => Left.Matches(shown) || Right.Matches(shown);
}

internal sealed record NotTerm(SearchTerm Inner) : SearchTerm
{
    public override bool Matches(JsonObject shown) => !Inner.Matches(shown);
}

internal sealed record ExistsTerm(string Path) : SearchTerm
{
    public override bool Matches(JsonObject shown) => Nodes(shown, Path).Any();
}

internal sealed record EqualTerm(string Field, string Value) : SearchTerm
{
    public override bool Matches(JsonObject shown) =>
        Values(shown, Field).Any(value => string.Equals(TextOf(value), Value, StringComparison.OrdinalIgnoreCase));
}

internal sealed record WildcardTerm(string Field, Wildcard Pattern) : SearchTerm
{
    public override bool Matches(JsonObject shown) => Values(shown, Field).Any(value => Pattern.Fits(TextOf(value)));
}

/// <summary>A word without a field, in any of the members that name somebody or something.</summary>
internal sealed record WordTerm(IReadOnlyList<string> Fields, Func<string, bool> Fits) : SearchTerm
{
    public override bool Matches(JsonObject shown) => Fields.SelectMany(field => Values(shown, field)).Any(value => Fits(TextOf(value)));
}
