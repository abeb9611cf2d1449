using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace TokenVault.Testing;

/// <summary>
/// A private PostgreSQL: unprivileged, on a Unix socket in a directory of its own, no TCP. A shell keeps it: when its input ends, because
/// this process closed it or died in whatever way, it stops the server and removes the directory.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const string Keeper =
        """
        trap '' INT TERM HUP
        bin=$1 dir=$2
        initdb() { "$bin/initdb" -D "$dir/data" -U tokenvault --auth=trust --no-sync -E UTF8 --locale=C; }
        start() { "$bin/pg_ctl" start -D "$dir/data" -s -w -t 60 -l "$dir/log" -o "-k '$dir' $3"; }
        if initdb </dev/null >"$dir/initdb.log" 2>&1 && start "$@" </dev/null >/dev/null 2>&1; then
            echo ready
            cat >/dev/null
        else
            cat "$dir/initdb.log" "$dir/log" 2>/dev/null | tail -n 20
            echo failed
        fi
        "$bin/pg_ctl" stop -D "$dir/data" -s -w -t 60 -m immediate </dev/null >/dev/null 2>&1
        rm -rf -- "$dir"
        """;

    private const string Settings = "-c listen_addresses= -c max_connections=300 -c deadlock_timeout=200ms -c max_wal_size=512MB";

    private static readonly Lazy<Task<PostgresServer>> SharedServer = new(() => StartAsync());

    private readonly PostgresBinaries _binaries;
    private readonly string _directory;
    private readonly string _settings;
    private readonly Process _keeper;
    private int _databases;
    private int _dumps;

    private PostgresServer(PostgresBinaries binaries, string directory, string settings, Process keeper)
    {
        _binaries = binaries;
        _directory = directory;
        _settings = settings;
        _keeper = keeper;
    }

    /// <summary>Why there can be no server on this machine, in one line; null when there can.</summary>
    public static string? Problem => PostgresBinaries.Find(out var problem) is null ? problem : null;

    /// <summary>The server that all tests of a run share, each with a database of its own. It goes with the process.</summary>
    public static Task<PostgresServer> Shared => SharedServer.Value;

    /// <param name="sharedBuffers">What it may keep of its pages, in PostgreSQL's units.</param>
    public static async Task<PostgresServer> StartAsync(string sharedBuffers = "64MB")
    {
        var binaries = PostgresBinaries.Find(out var problem) ?? throw new InvalidOperationException(problem);
        var directory = Directory.CreateTempSubdirectory("tokenvault-pg-").FullName;
        binaries.Give(directory);
        var settings = $"{Settings} -c shared_buffers={sharedBuffers}";
        var start = binaries.AsUser("setsid", "sh", "-c", Keeper, "keeper", binaries.Directory, directory, settings);
        start.RedirectStandardInput = true;
        var keeper = Process.Start(start)!;
        var output = new StringBuilder();
        while (await keeper.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line == "ready")
            {
                return new PostgresServer(binaries, directory, settings, keeper);
            }

            output.AppendLine(line);
        }

        throw new InvalidOperationException($"PostgreSQL did not start: {output}{await keeper.StandardError.ReadToEndAsync()}");
    }

    /// <summary>Makes an empty database and returns how to reach it.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync(ConnectionString("postgres"), $"CREATE DATABASE {name}");
        return ConnectionString(name);
    }

    /// <summary>With the patience of tests that share a busy machine.</summary>
    public string ConnectionString(string database) => $"Host={_directory};Timeout=60;Username=tokenvault;Database={database}";

    /// <summary>Removes a database that <see cref="CreateDatabaseAsync"/> made, whoever is still connected to it.</summary>
    public Task DropDatabaseAsync(string connectionString) =>
        ExecuteAsync(ConnectionString("postgres"), $"DROP DATABASE {Name(connectionString)} WITH (FORCE)");

    /// <summary>Runs SQL with the database's own client and returns what it prints, without headings.</summary>
    public Task<string> ExecuteAsync(string connectionString, string sql) =>
        RunAsync("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", _directory, "-U", "tokenvault", "-d", Name(connectionString), "-c", sql);

    /// <summary>A copy of the database in the server's directory; the file's name.</summary>
    public async Task<string> DumpAsync(string connectionString)
    {
        var file = Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{Name(connectionString)}.{Interlocked.Increment(ref _dumps)}.dump"));
        await RunAsync("pg_dump", "-Fc", "-h", _directory, "-U", "tokenvault", "-f", file, Name(connectionString));
        return file;
    }

    /// <summary>Puts a copy into an empty database that takes the place of this one.</summary>
    public async Task RestoreAsync(string connectionString, string dump)
    {
        await DropDatabaseAsync(connectionString);
        await ExecuteAsync(ConnectionString("postgres"), $"CREATE DATABASE {Name(connectionString)}");
        await RunAsync("pg_restore", "--exit-on-error", "-h", _directory, "-U", "tokenvault", "-d", Name(connectionString), dump);
    }

    /// <summary>What a crash of the database leaves: every connection breaks, no checkpoint is made.</summary>
    public Task CrashAsync() => ControlAsync("stop", "-m", "immediate");

    /// <summary>Starts it again after <see cref="CrashAsync"/>.</summary>
    public Task StartAgainAsync() => ControlAsync("start", "-l", Path.Combine(_directory, "log"), "-o", $"-k '{_directory}' {_settings}");

    public async ValueTask DisposeAsync()
    {
        _keeper.StandardInput.Close();
        await _keeper.WaitForExitAsync();
        _keeper.Dispose();
    }

    private static string Name(string connectionString) => connectionString[(connectionString.LastIndexOf('=') + 1)..];

    private Task<string> ControlAsync(string verb, params string[] arguments) =>
        RunAsync("pg_ctl", [verb, "-D", Path.Combine(_directory, "data"), "-s", "-w", "-t", "60", .. arguments]);

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(_binaries.AsUser([Path.Combine(_binaries.Directory, program), .. arguments]))!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output.Trim() : throw new InvalidOperationException($"{program}: {await error}{output}");
    }
}
