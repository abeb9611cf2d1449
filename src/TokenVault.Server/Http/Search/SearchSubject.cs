namespace TokenVault.Server.Http.Search;

/// <summary>What is searched: the rules that Auth0's searches of users and of logs do not share.</summary>
/// <param name="WordFields">What a word without a field is looked for in.</param>
internal sealed record SearchSubject(IReadOnlyList<string> WordFields)
{
    /// <summary>A word without a field may stand anywhere in a text; else it is the whole of it.</summary>
    public bool WordsAnywhere { get; init; }

    /// <summary>Terms side by side must all be met; else they are refused, since what joins them was not said.</summary>
    public bool SideBySide { get; init; }

    /// <summary>A word may hold any sign that has no meaning here; else one with other signs than letters' and digits' usual company needs quotation marks.</summary>
    public bool AnySigns { get; init; }
}
