using System.Globalization;

namespace TokenVault.Server.Users;

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
    ];

    public static Instants? Read(string text)
    {
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

    public static bool TryRead(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Instants? read) => (read = Read(text)) is not null;
}
