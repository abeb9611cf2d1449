using System.Diagnostics;

namespace TokenVault.Testing;

/// <summary>PostgreSQL's programs as Debian installs them (else those on the path), and the user to run them as: never root.</summary>
internal sealed class PostgresBinaries
{
    private static readonly string[] Programs = ["initdb", "postgres", "pg_ctl", "psql", "pg_dump", "pg_restore"];

    private readonly (string User, string Group)? _user;

    private PostgresBinaries(string directory, (string User, string Group)? user)
    {
        Directory = directory;
        _user = user;
    }

    public string Directory { get; }

    public static PostgresBinaries? Find(out string? problem)
    {
        problem = null;
        if (OperatingSystem.IsWindows())
        {
            problem = "PostgreSQL is not started for tests on Windows.";
            return null;
        }

        if (Candidates().FirstOrDefault(directory => Programs.All(program => File.Exists(Path.Combine(directory, program)))) is not { } found)
        {
            problem = "PostgreSQL is missing: run eng/require postgres, which installs it or says how to get it.";
            return null;
        }

        return new PostgresBinaries(found, Environment.IsPrivilegedProcess ? Unprivileged() : null);
    }

    /// <summary>Makes the unprivileged user the owner of the directory.</summary>
    public void Give(string directory)
    {
        if (_user is not { } user)
        {
            return;
        }

        using var chown = Process.Start("chown", [user.User, directory]);
        chown.WaitForExit();
    }

    public ProcessStartInfo AsUser(params string[] command)
    {
        string[] whole = _user is { } user ? ["setpriv", "--reuid", user.User, "--regid", user.Group, "--init-groups", "--", .. command] : command;
        return new ProcessStartInfo(whole[0], whole[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
    }

    private static IEnumerable<string> Candidates()
    {
        const string debian = "/usr/lib/postgresql";
        var packaged = System.IO.Directory.Exists(debian)
            ? System.IO.Directory.GetDirectories(debian).OrderByDescending(directory => directory, StringComparer.Ordinal).Select(d => Path.Combine(d, "bin"))
            : [];
        return packaged.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries));
    }

    private static (string User, string Group) Unprivileged()
    {
        var users = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).ToDictionary(fields => fields[0], fields => fields[3]);
        return users.TryGetValue("postgres", out var group) ? ("postgres", group) : ("nobody", users["nobody"]);
    }
}
