using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TokenVault.Server.Http.Search;

/// <summary>A bound that is null is open.</summary>
internal sealed record RangeTerm(string Field, string? Low, bool IncludesLow, string? High, bool IncludesHigh) : SearchTerm
{
    private readonly Instants? _low = Instants.Read(Low ?? "");
    private readonly Instants? _high = Instants.Read(High ?? "");

    public override bool Matches(JsonObject shown) => Values(shown, Field).Any(Holds);

    private bool Holds(JsonValue value)
    {
        if (value.GetValueKind() == JsonValueKind.Number)
        {
            return Number(Low, out var low) && Number(High, out var high) && Between(value.GetValue<double>(), low, low, high, high);
        }

        var text = TextOf(value);
        if ((Low is null || _low is not null) && (High is null || _high is not null) && Instants.Read(text) is { } at)
        {
            // A bound names a whole year, month, day or instant, and includes or leaves out all of it.
            return Between(at.Start, _low?.Start, _low?.End, _high?.Start, _high?.End, exact: false);
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
