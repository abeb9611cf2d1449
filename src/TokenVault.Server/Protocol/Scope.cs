namespace TokenVault.Server.Protocol;

/// <summary>Scope strings (RFC 6749 §3.3): space-delimited, case-sensitive, order without meaning.</summary>
internal static class Scope
{
    private static readonly char[] Spaces = [' '];
    private static readonly char[] SpacesAndCommas = [' ', ','];

    /// <summary>The distinct scopes of a space-delimited list, in order.</summary>
    public static IReadOnlyList<string> Parse(string? scope) => Split(scope, Spaces);

    /// <summary>The distinct scopes of a list that providers and tools delimit with spaces or commas.</summary>
    public static IReadOnlyList<string> ParseLenient(string? scope) => Split(scope, SpacesAndCommas);

    public static string Format(IEnumerable<string> scopes) => string.Join(' ', scopes);

    /// <summary>RFC 6749 §3.3: printable ASCII without quote and backslash.</summary>
    public static bool IsToken(string scope) =>
        scope.Length is > 0 and <= 255 && scope.All(c => c is '!' or (>= '#' and <= '[') or (>= ']' and <= '~'));

    private static string[] Split(string? scope, char[] separators) =>
        string.IsNullOrEmpty(scope)
            ? []
            : [.. scope.Split(separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct(StringComparer.Ordinal)];
}
