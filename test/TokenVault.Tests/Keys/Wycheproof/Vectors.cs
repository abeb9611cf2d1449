using System.Text.Json;

namespace TokenVault.Tests.Keys.Wycheproof;

/// <summary>
/// The public test vectors of C2SP/wycheproof. They are not part of this repository: they are looked for beside it, in
/// <c>../shared/vectors</c>, or in the directory that <c>TOKENVAULT_VECTORS</c> names.
/// </summary>
internal static class Vectors
{
    private const string Variable = "TOKENVAULT_VECTORS";

    /// <summary>Why the vectors cannot be run; null when they can. A directory that was named and is not there is no reason to skip, but a failure.</summary>
    public static string? Missing =>
        Environment.GetEnvironmentVariable(Variable) is null && !Directory.Exists(Folder)
            ? $"The Wycheproof vectors are not in {Folder}. Put them there, or name the directory above 'wycheproof' in {Variable}."
            : null;

    private static string Folder =>
        Path.Combine(Environment.GetEnvironmentVariable(Variable) ?? Path.GetFullPath(Path.Combine(RepositoryRoot(), "..", "shared", "vectors")), "wycheproof");

    /// <summary>The groups of a file, of which every vector must have been run: the count is the file's own.</summary>
    public static List<VectorGroup> Load(string file)
    {
        var root = JsonElement.Parse(File.ReadAllBytes(Path.Combine(Folder, file)));
        var groups = root.GetProperty("testGroups").EnumerateArray()
            .Select(g => new VectorGroup(g, [.. g.GetProperty("tests").EnumerateArray().Select(t => new Vector(t))]))
            .ToList();
        groups.Sum(g => g.Tests.Count).ShouldBe(root.GetProperty("numberOfTests").GetInt32());
        return groups;
    }

    private static string RepositoryRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "TokenVault.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? AppContext.BaseDirectory;
    }
}

internal sealed record VectorGroup(JsonElement Json, IReadOnlyList<Vector> Tests)
{
    public int Number(string name) => Json.GetProperty(name).GetInt32();
}

internal sealed record Vector(JsonElement Json)
{
    public int Id => Json.GetProperty("tcId").GetInt32();

    /// <summary>valid, invalid or acceptable.</summary>
    public string Result => Json.GetProperty("result").GetString()!;

    public byte[] Bytes(string name) => Convert.FromHexString(Json.GetProperty(name).GetString()!);

    public int Number(string name) => Json.GetProperty(name).GetInt32();
}

/// <summary>A theory over vectors; skipped, and counted as skipped, where there are none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VectorTheoryAttribute : TheoryAttribute
{
    public VectorTheoryAttribute() => Skip = Vectors.Missing;
}

/// <summary>A fact about vectors; skipped, and counted as skipped, where there are none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VectorFactAttribute : FactAttribute
{
    public VectorFactAttribute() => Skip = Vectors.Missing;
}
