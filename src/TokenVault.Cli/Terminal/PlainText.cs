using System.Globalization;
using System.Text;

namespace TokenVault.Cli.Terminal;

/// <summary>Text of somebody else's, made harmless: it cannot move the cursor, change colours, reverse itself or pretend to be a line of ours (T-CL-03).</summary>
internal static class PlainText
{
    private const int Longest = 2000;

    public static string Of(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var plain = new StringBuilder(Math.Min(text.Length, Longest));
        foreach (var rune in text.EnumerateRunes())
        {
            if (plain.Length >= Longest)
            {
                return plain.Append('…').ToString();
            }

            plain.Append(IsHarmless(rune) ? rune.ToString() : "\uFFFD");
        }

        return plain.ToString();
    }

    private static bool IsHarmless(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        // C0 and C1, the bidirectional and invisible ones, what has no meaning, and the two that break lines.
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => false,
        _ => true,
    };
}
