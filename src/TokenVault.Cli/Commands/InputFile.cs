namespace TokenVault.Cli.Commands;

/// <summary>What the person gives by a file, or through a pipe: secrets never come as arguments, which every process can see (T-CL-01).</summary>
internal static class InputFile
{
    private const int Longest = 1_000_000;

    public static string Read(string path, string what)
    {
        try
        {
            var file = new FileInfo(path);
            return file.Exists && file.Length > Longest
                ? throw new ToolException(ExitCode.Usage, $"The file of the {what}, {path}, is too long.")
                : File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Usage, $"The file of the {what} cannot be read: {e.Message}");
        }
    }

    public static string ReadSecret(string path, string what) => Secret(Read(path, what), what);

    /// <summary>A secret that was piped in.</summary>
    public static string ReadLine(TextReader input, string what) => Secret(input.ReadLine() ?? "", what);

    private static string Secret(string text, string what) =>
        text.Trim() is { Length: > 0 } secret ? secret : throw new ToolException(ExitCode.Usage, $"The {what} is empty.");
}
