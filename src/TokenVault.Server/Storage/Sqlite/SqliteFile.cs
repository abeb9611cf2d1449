namespace TokenVault.Server.Storage.Sqlite;

/// <summary>The database file, held by this process alone (F-28) and readable by its user alone.</summary>
internal sealed class SqliteFile : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FileStream _lock;

    private SqliteFile(string path, FileStream @lock)
    {
        Path = path;
        _lock = @lock;
    }

    public string Path { get; }

    /// <exception cref="StartupException">Another process has it, or it cannot be created.</exception>
    public static SqliteFile Take(string databaseFile)
    {
        var path = System.IO.Path.GetFullPath(databaseFile);
        try
        {
            CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The directory of the database '{path}' cannot be created: {e.Message}", e);
        }

        var held = TakeLock(path);
        try
        {
            // SQLite gives its log and its index the mode of the database. Closed before SQLite opens the file, because
            // closing any descriptor of a file drops the POSIX locks that the process has on it.
            OpenOwnerOnly(path, FileShare.ReadWrite).Dispose();
            return new SqliteFile(path, held);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held.Dispose();
            throw new StartupException($"The database '{path}' cannot be opened: {e.Message}", e);
        }
    }

    public void Dispose() => _lock.Dispose();

    private static FileStream TakeLock(string path)
    {
        try
        {
            return OpenOwnerOnly(path + ".lock", FileShare.None);
        }
        catch (IOException e)
        {
            throw new StartupException($"Another process uses the database '{path}': stop it, or give this one another data directory.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StartupException($"The database '{path}' cannot be locked: {e.Message}", e);
        }
    }

    private static FileStream OpenOwnerOnly(string path, FileShare share)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = share };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return new FileStream(path, options);
    }

    private static void CreateDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
            return;
        }

        Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
    }
}
