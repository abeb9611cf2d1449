using TokenVault.Testing;

namespace TokenVault.Tests.Storage;

/// <summary>A database of a test's own on the shared server; gone after the test.</summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    private readonly PostgresServer _server;

    private PostgresDatabase(PostgresServer server, string connectionString)
    {
        _server = server;
        ConnectionString = connectionString;
    }

    public string ConnectionString { get; }

    public string Name => ConnectionString[(ConnectionString.LastIndexOf('=') + 1)..];

    public static async Task<PostgresDatabase> CreateAsync()
    {
        var server = await PostgresServer.Shared;
        return new PostgresDatabase(server, await server.CreateDatabaseAsync());
    }

    /// <summary>Runs SQL past the engine, and returns what it prints.</summary>
    public Task<string> ExecuteAsync(string sql) => _server.ExecuteAsync(ConnectionString, sql);

    /// <summary>A copy of the whole database, as <c>pg_dump -Fc</c> makes it; the file's name.</summary>
    public Task<string> DumpAsync() => _server.DumpAsync(ConnectionString);

    /// <summary>An empty database takes the place of this one, and the copy is put into it.</summary>
    public Task RestoreAsync(string dump) => _server.RestoreAsync(ConnectionString, dump);

    public async ValueTask DisposeAsync() => await _server.DropDatabaseAsync(ConnectionString);
}
