namespace TokenVault.Cli.Tests.Running;

/// <summary>The project's documentation, which tests hold to its word.</summary>
internal static class Docs
{
    public static string[] Lines(string file)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "TokenVault.slnx")))
        {
            folder = folder.Parent!;
        }

        return File.ReadAllLines(Path.Combine(folder.FullName, "docs", file));
    }
}
