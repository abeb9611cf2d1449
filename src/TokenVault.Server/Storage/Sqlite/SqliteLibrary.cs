namespace TokenVault.Server.Storage.Sqlite;

/// <summary>The system's SQLite: there, and good enough.</summary>
internal static class SqliteLibrary
{
    // RETURNING came with 3.35.0.
    private const int Oldest = 3_035_000;

    /// <exception cref="StartupException">It is not.</exception>
    public static void Verify()
    {
        int version;
        try
        {
            version = SqliteNative.LibraryVersion();
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw new StartupException("The SQLite library of the system is missing: install it (Debian: libsqlite3-0, Alpine: sqlite-libs).", e);
        }

        if (version < Oldest)
        {
            throw new StartupException($"The SQLite library of the system is too old ({Name(version)}): at least {Name(Oldest)} is needed.");
        }

        if (SqliteNative.ThreadSafe() == 0)
        {
            throw new StartupException("The SQLite library of the system was built without thread safety.");
        }
    }

    private static string Name(int version) => $"{version / 1_000_000}.{version / 1_000 % 1_000}.{version % 1_000}";
}
