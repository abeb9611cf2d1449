namespace TokenVault.Server.Http.Search;

/// <summary>A pattern of a search: <c>*</c> stands for any text, <c>?</c> for one character, unless they were escaped.</summary>
internal sealed record Wildcard(IReadOnlyList<(char Character, bool Wild)> Parts)
{
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
