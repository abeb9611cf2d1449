using TokenVault.Testing;

namespace TokenVault.Tests.Storage;

/// <summary>A process that has a PostgreSQL server, to be killed.</summary>
internal static class PostgresHost
{
    public const string Verb = "postgres-host";

    public static async Task<int> RunAsync()
    {
        await using var server = await PostgresServer.StartAsync();
        Console.WriteLine(server.ConnectionString("postgres"));
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);
        return 0;
    }
}
