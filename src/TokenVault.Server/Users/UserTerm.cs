using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Users;

/// <summary>A piece of a search, asked of a user as the API shows them.</summary>
internal abstract record UserTerm
{
    /// <summary>What a word without a field is looked for in.</summary>
    private static readonly string[] Usual = ["email", "name", "given_name", "family_name", "nickname", "username", "user_id"];

    public abstract bool Matches(JsonObject user);

    /// <summary>The values at a dotted path, through lists as well.</summary>
    public static IEnumerable<JsonValue> Values(JsonNode? node, string path) => Walk(node, path.Split('.'));

    protected static IEnumerable<JsonValue> ValuesOf(JsonObject user, string? field) =>
        field is null ? Usual.SelectMany(name => Values(user, name)) : Values(user, field);

    protected static string TextOf(JsonValue value) =>
        value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();

    private static IEnumerable<JsonValue> Walk(JsonNode? node, ArraySegment<string> path) => node switch
    {
        JsonArray array => array.SelectMany(item => Walk(item, path)),
        JsonObject inner when path.Count > 0 => Walk(inner[path[0]], path[1..]),
        JsonValue value when path.Count == 0 => [value],
        _ => [],
    };
}

internal sealed record AndTerm(UserTerm Left, UserTerm Right) : UserTerm
{
    public override bool Matches(JsonObject user) => Left.Matches(user) && Right.Matches(user);
}

internal sealed record OrTerm(UserTerm Left, UserTerm Right) : UserTerm
{
    public override bool Matches(JsonObject user) => Left.Matches(user) || Right.Matches(user);
}

internal sealed record NotTerm(UserTerm Inner) : UserTerm
{
    public override bool Matches(JsonObject user) => !Inner.Matches(user);
}

internal sealed record ExistsTerm(string Path) : UserTerm
{
    public override bool Matches(JsonObject user) => Values(user, Path).Any();
}

internal sealed record EqualTerm(string? Field, string Value) : UserTerm
{
    public override bool Matches(JsonObject user) =>
        ValuesOf(user, Field).Any(value => string.Equals(TextOf(value), Value, StringComparison.OrdinalIgnoreCase));
}

internal sealed record WildcardTerm(string? Field, Wildcard Pattern) : UserTerm
{
    public override bool Matches(JsonObject user) => ValuesOf(user, Field).Any(value => Pattern.Fits(TextOf(value)));
}

/// <summary>A bound that is null is open.</summary>
internal sealed record RangeTerm(string Field, string? Low, bool IncludesLow, string? High, bool IncludesHigh) : UserTerm
{
    public override bool Matches(JsonObject user) => Values(user, Field).Any(Holds);

    private bool Holds(JsonValue value)
    {
        if (value.GetValueKind() == JsonValueKind.Number)
        {
            return Number(Low, out var low) && Number(High, out var high) && Between(value.GetValue<double>(), low, low, high, high);
        }

        var text = TextOf(value);
        if (Instants.TryRead(text, out var at) && (Low is null || Instants.TryRead(Low, out _)) && (High is null || Instants.TryRead(High, out _)))
        {
            // A bound names a whole year, month, day or instant, and includes or leaves out all of it.
            var low = Low is null ? null : Instants.Read(Low);
            var high = High is null ? null : Instants.Read(High);
            return Between(at.Start, low?.Start, low?.End, high?.Start, high?.End, exact: false);
        }

        return (Low is null || Compare(text, Low) is var below && (below > 0 || (below == 0 && IncludesLow)))
            && (High is null || Compare(text, High) is var above && (above < 0 || (above == 0 && IncludesHigh)));
    }

    private bool Between<T>(T value, T? lowStart, T? lowEnd, T? highStart, T? highEnd, bool exact = true)
        where T : struct, IComparable<T>
    {
        var fromLow = lowStart is not { } start
            || (IncludesLow ? value.CompareTo(start) >= 0 : exact ? value.CompareTo(start) > 0 : value.CompareTo(lowEnd!.Value) >= 0);
        var toHigh = highStart is not { } end
            || (exact ? (IncludesHigh ? value.CompareTo(end) <= 0 : value.CompareTo(end) < 0)
                : value.CompareTo(IncludesHigh ? highEnd!.Value : end) < 0);
        return fromLow && toHigh;
    }

    private static int Compare(string left, string right) => string.Compare(left, right, StringComparison.OrdinalIgnoreCase);

    private static bool Number(string? text, out double? number)
    {
        number = null;
        if (text is null)
        {
            return true;
        }

        var parsed = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value);
        number = value;
        return parsed;
    }
}
