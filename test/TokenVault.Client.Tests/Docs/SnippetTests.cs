using System.Diagnostics;
using System.Reflection;
using TokenVault.Tests.Conventions;

namespace TokenVault.Client.Tests.Docs;

/// <summary>The C# on our pages compiles against the packages' public API.</summary>
public sealed class SnippetTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tokenvault-snippets-").FullName;

    [Fact]
    public async Task The_code_on_the_pages_compiles()
    {
        var snippets = Pages().SelectMany(page => Snippet.In(SourceTree.Name(page), File.ReadAllText(page))).ToList();
        snippets.Count(snippet => snippet.Page == "src/TokenVault.Client/README.md").ShouldBeGreaterThan(7);

        var (status, output) = await CompileAsync(snippets.Select((snippet, i) => snippet.Source(i)));

        status.ShouldBe(0, $"A name that its readers have may be missing in SnippetContext.\n{output}");
    }

    [Fact]
    public async Task Code_that_does_not_compile_is_found_on_its_page_and_line()
    {
        const string page = "# Page\n\n```csharp\nusing System.Text;\n\nvar subject = SubjectToken.RefreshToken(refreshToken);\nsubject.Reveal();\n```\n";

        var (status, output) = await CompileAsync(Snippet.In("docs/page.md", page).Select(snippet => snippet.Source(0)));

        status.ShouldNotBe(0);
        output.ShouldContain("docs/page.md(7,9): error CS1061");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static IEnumerable<string> Pages()
    {
        yield return Path.Combine(SourceTree.Root, "README.md");
        foreach (var readme in Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "src"), "README.md", SearchOption.AllDirectories))
        {
            yield return readme;
        }

        foreach (var page in Directory.EnumerateFiles(Path.Combine(SourceTree.Root, "docs"), "*.md", SearchOption.AllDirectories))
        {
            yield return page;
        }
    }

    /// <summary>With the compiler that built this test, and what it refers to.</summary>
    private async Task<(int Status, string Output)> CompileAsync(IEnumerable<string> sources)
    {
        var files = sources
            .Append(SnippetContext.Source)
            .Append(await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "test/TokenVault.Client.Tests/Loop/FunctionInvocation.cs")))
            .Select((source, i) => (Path: Path.Combine(_directory, $"{i}.cs"), Source: source))
            .ToList();
        files.ForEach(file => File.WriteAllText(file.Path, file.Source));
        var assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var arguments = Path.Combine(_directory, "arguments.rsp");
        await File.WriteAllLinesAsync(arguments, [
            "-nologo", "-noconfig", "-nostdlib", "-target:library", "-nullable:enable", "-langversion:14", "-warn:0", $"-pathmap:{_directory}=snippets",
            $"-out:\"{Path.Combine(_directory, "snippets.dll")}\"",
            .. assemblies.Select(assembly => $"-r:\"{assembly}\""),
            .. files.Select(file => $"\"{file.Path}\""),
        ]);

        var compiler = typeof(SnippetTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "Compiler").Value!;
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [compiler, "@" + arguments]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
