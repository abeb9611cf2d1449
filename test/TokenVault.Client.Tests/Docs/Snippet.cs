using System.Text;
using System.Text.RegularExpressions;

namespace TokenVault.Client.Tests.Docs;

/// <summary>A block of C# on a page: a whole program, or the part of one that matters.</summary>
/// <param name="Page">The page's path in the repository.</param>
/// <param name="Line">Where on the page the code begins.</param>
internal sealed partial record Snippet(string Page, int Line, IReadOnlyList<string> Code)
{
    public static IEnumerable<Snippet> In(string page, string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (Fence().IsMatch(lines[i]))
            {
                string[] code = [.. lines.Skip(i + 1).TakeWhile(line => line != "```")];
                yield return new Snippet(page, i + 2, code);
                i += code.Length + 1;
            }
        }
    }

    /// <summary>As a file of its own namespace, in which a compiler finds what it finds on the page's lines.</summary>
    public string Source(int number)
    {
        var types = Enumerable.Range(0, Code.Count).FirstOrDefault(i => Type().IsMatch(Code[i]), Code.Count);
        string[] statements = [.. Code.Take(types)];
        var source = new StringBuilder();
        foreach (var line in statements.Where(line => Using().IsMatch(line)))
        {
            source.AppendLine(line);
        }

        source.AppendLine($"namespace Snippet{number};\ninternal static class Program\n{{\npublic static async Task<object?> RunAsync(string[] args)\n{{");
        source.AppendLine($"#line {Line} \"{Page}\"");
        source.Append(statements.FirstOrDefault()?.StartsWith("catch ", StringComparison.Ordinal) == true ? "try { await Task.Yield(); } " : "");
        foreach (var line in statements)
        {
            source.AppendLine(Using().IsMatch(line) || line.StartsWith("#:", StringComparison.Ordinal) ? "" : line);
        }

        source.AppendLine("#line hidden\nreturn null;\n}\n}");
        source.AppendLine($"#line {Line + types} \"{Page}\"");
        source.AppendJoin('\n', Code.Skip(types));
        return source.ToString();
    }

    [GeneratedRegex("^```csharp( .*)?$", RegexOptions.NonBacktracking)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^using (static )?[\w.]+( = [^;]+)?;", RegexOptions.NonBacktracking)]
    private static partial Regex Using();

    [GeneratedRegex(@"^(\[.*\]$|((public|internal|file|sealed|static|abstract|partial|readonly) )*(class|record|struct|interface|enum) )", RegexOptions.NonBacktracking)]
    private static partial Regex Type();
}
