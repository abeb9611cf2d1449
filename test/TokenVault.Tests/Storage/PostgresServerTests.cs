using System.Diagnostics;
using TokenVault.Testing;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Storage;

/// <summary>The tests' own server leaves nothing behind.</summary>
[NeedsPostgres]
public sealed class PostgresServerTests
{
    [Fact]
    public async Task A_disposed_server_is_gone_with_its_directory()
    {
        string directory;
        await using (var server = await PostgresServer.StartAsync())
        {
            directory = Directory(server.ConnectionString("postgres"));
            (await server.ExecuteAsync(server.ConnectionString("postgres"), "SELECT current_setting('fsync'), current_setting('listen_addresses')")).ShouldBe("on|");
        }

        System.IO.Directory.Exists(directory).ShouldBeFalse();
    }

    [Fact]
    public async Task A_server_does_not_outlive_the_process_that_started_it()
    {
        using var host = Process.Start(new ProcessStartInfo("dotnet", [typeof(PostgresHost).Assembly.Location, PostgresHost.Verb]) { RedirectStandardOutput = true })!;
        var directory = Directory((await host.StandardOutput.ReadLineAsync()).ShouldNotBeNull());
        var postmaster = int.Parse((await File.ReadAllLinesAsync(Path.Combine(directory, "data", "postmaster.pid")))[0], null);
        using var server = Process.GetProcessById(postmaster);

        host.Kill();

        // The directory is the last to go.
        await server.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        for (var left = 300; System.IO.Directory.Exists(directory) && left > 0; left--)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }

        System.IO.Directory.Exists(directory).ShouldBeFalse();
    }

    private static string Directory(string connectionString) => connectionString.Split(';')[0]["Host=".Length..];
}
