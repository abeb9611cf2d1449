namespace TokenVault.Server.Keys;

/// <summary>Files whose mode matters from their first byte on, and that are whole or not there at all.</summary>
internal static class PrivateFile
{
    public const UnixFileMode OwnerReads = UnixFileMode.UserRead;

    public const UnixFileMode OwnerReadsAndWrites = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public const UnixFileMode EverybodyReads = OwnerReadsAndWrites | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode OfOthers = (UnixFileMode)0b000_111_111;

    /// <summary>Writes beside the target, flushes to the disk, and moves into place.</summary>
    /// <exception cref="IOException">It cannot be written; or it exists and <paramref name="replace"/> is false.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory may not be written to.</exception>
    public static void Write(string file, ReadOnlySpan<byte> content, UnixFileMode mode, bool replace)
    {
        var draft = $"{file}.{Path.GetRandomFileName()}";
        try
        {
            using (var stream = new FileStream(draft, Options(mode)))
            {
                if (!OperatingSystem.IsWindows())
                {
                    // The process's umask may have taken something away that others need.
                    File.SetUnixFileMode(stream.SafeFileHandle, mode);
                }

                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(draft, file, replace);
        }
        finally
        {
            File.Delete(draft);
        }
    }

    /// <summary>Whether group or others have any right to the file. On Windows, access lists decide, and this says no.</summary>
    public static bool IsOpenToOthers(FileStream stream) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(stream.SafeFileHandle) & OfOthers) != UnixFileMode.None;

    private static FileStreamOptions Options(UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        return options;
    }
}
