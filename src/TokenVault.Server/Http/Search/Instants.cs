using System.Globalization;

namespace TokenVault.Server.Http.Search;

/// <summary>A stretch of time as a search writes it: a year, a month, a day or an instant, in UTC.</summary>
internal sealed record Instants(DateTime Start, DateTime End)
{
    private static readonly (string Format, Func<DateTime, DateTime> End)[] Forms =
    [
        ("yyyy", start => start.AddYears(1)),
        ("yyyy-MM", start => start.AddMonths(1)),
        ("yyyy-MM-dd", start => start.AddDays(1)),
        ("yyyy-MM-dd'T'HH:mm", start => start.AddMinutes(1)),
        ("yyyy-MM-dd'T'HH:mm:ss", start => start.AddSeconds(1)),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", start => start.AddSeconds(1)),
        ("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", start => start.AddMilliseconds(1)),
        ("yyyy-MM-dd'T'HH:mm:sszzz", start => start.AddSeconds(1)),
        ("yyyy-MM-dd'T'HH:mm:ss.fffzzz", start => start.AddMilliseconds(1)),
    ];

    public static Instants? Read(string text)
    {
        // Too short for a year, or a text that is no date at all: the most there are, and each would be tried in every form.
        if (text.Length is < 4 or > 33 || !char.IsAsciiDigit(text[0]))
        {
            return null;
        }

        foreach (var (format, end) in Forms)
        {
            const DateTimeStyles utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
            if (DateTime.TryParseExact(text, format, CultureInfo.InvariantCulture, utc, out var start) && start.Year < 9999)
            {
                return new Instants(start, end(start));
            }
        }

        return null;
    }
}
