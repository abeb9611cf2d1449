using System.Runtime.Versioning;
using System.Security.Cryptography;

namespace TokenVault.Cli.Profiles;

/// <summary>Files for their owner only, whatever the umask (T-CL-02). On Windows the user's own directories are private already.</summary>
internal static class PrivateFile
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OfOthers = (UnixFileMode)0b111_111;

    /// <summary>Replaces the file whole: a reader sees the old one or the new one, and a crash leaves one of them.</summary>
    public static void Write(string path, string text)
    {
        var full = Path.GetFullPath(path);
        MakeDirectory(Path.GetDirectoryName(full)!);
        var beside = $"{full}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Mode;
        }

        try
        {
            using (var stream = new FileStream(beside, options))
            using (var writer = new StreamWriter(stream))
            {
                writer.Write(text);
                writer.Flush();
                stream.Flush(flushToDisk: true);
            }

            File.Move(beside, full, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }

    /// <exception cref="ToolException">Others can read it.</exception>
    public static string Read(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            RequirePrivate(path);
        }

        return File.ReadAllText(path);
    }

    [UnsupportedOSPlatform("windows")]
    private static void RequirePrivate(string path)
    {
        if ((File.GetUnixFileMode(path) & OfOthers) != 0)
        {
            throw new ToolException(
                ExitCode.Failed,
                $"Other users can read or write {path}, which holds secrets.",
                $"Take that away: chmod 600 '{path}'. What was in it may be known: log in again, and have a client's secret replaced.");
        }
    }

    /// <summary>For its owner only, if it has to be made.</summary>
    public static void MakeDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        Directory.CreateDirectory(path, Mode | UnixFileMode.UserExecute);
    }
}
