namespace TokenVault.Tests.Storage;

/// <summary>A directory with a database in it, and with copies of that database; gone after the test.</summary>
internal sealed class DatabaseDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tokenvault-storage-");
    private int _copies;

    public string File => Path.Combine(_directory.FullName, "vault.db");

    /// <summary>Copies the files as they are, as a crash would leave them, and returns the copy's database file.</summary>
    public string CopyFiles()
    {
        var copy = Path.Combine(_directory.FullName, $"copy{_copies++}", "vault.db");
        Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
        System.IO.File.Copy(File, copy);
        if (System.IO.File.Exists(File + "-wal"))
        {
            System.IO.File.Copy(File + "-wal", copy + "-wal");
        }

        return copy;
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
