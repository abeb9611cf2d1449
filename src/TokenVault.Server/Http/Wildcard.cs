namespace TokenVault.Server.Http;

/// <summary>A pattern of a search: <c>*</c> stands for any text, <c>?</c> for one character, unless they were escaped.</summary>
internal sealed record Wildcard(IReadOnlyList<(char Character, bool Wild)> Parts)
{
    /// <summary>A word of a search, read once: its text, and the pattern that it is, if it is one.</summary>
    public static (string Text, Wildcard? Pattern) Read(ReadOnlySpan<char> word)
    {
        var parts = new List<(char Character, bool Wild)>();
        for (var i = 0; i < word.Length; i++)
        {
            var escaped = word[i] == '\\' && i + 1 < word.Length;
            i += escaped ? 1 : 0;
            parts.Add((word[i], !escaped && word[i] is '*' or '?'));
        }

        return (string.Concat(parts.Select(part => part.Character)), parts.Exists(part => part.Wild) ? new Wildcard(parts) : null);
    }

    /// <summary>The same anywhere in a text.</summary>
    public Wildcard Anywhere() => new([('*', true), .. Parts, ('*', true)]);

    /// <summary>Goes back to the last star only, so that no pattern takes more than the product of the two lengths.</summary>
    public bool Fits(string text)
    {
        var (at, part, star, retry) = (0, 0, -1, 0);
        while (at < text.Length)
        {
            if (part < Parts.Count && Parts[part] is ('*', true))
            {
                (star, retry) = (part++, at);
                continue;
            }

            if (part < Parts.Count && (Parts[part] is ('?', true) || Same(Parts[part].Character, text[at])))
            {
                part++;
                at++;
                continue;
            }

            if (star < 0)
            {
                return false;
            }

            (part, at) = (star + 1, ++retry);
        }

        return Parts.Skip(part).All(rest => rest is ('*', true));
    }

    private static bool Same(char left, char right) => char.ToUpperInvariant(left) == char.ToUpperInvariant(right);
}
