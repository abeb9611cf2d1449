using System.Text.RegularExpressions;

namespace TokenVault.Cli.Terminal;

/// <summary>Text of somebody else's in a command that a person is to copy (T-CL-03).</summary>
internal static partial class ShellText
{
    /// <summary>One word of a POSIX shell, whatever is in it.</summary>
    public static string Of(string? text) => text is not null && Harmless().IsMatch(text) ? text : Quoted(PlainText.Of(text));

    /// <summary>Between single quotes, where nothing means anything.</summary>
    public static string Quoted(string value) => "'" + value.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    [GeneratedRegex(@"^[A-Za-z0-9_.:@/+][A-Za-z0-9_.:@/+-]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex Harmless();
}
