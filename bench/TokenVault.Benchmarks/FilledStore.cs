using TokenVault.Server.Demo;
using TokenVault.Testing;

namespace TokenVault.Benchmarks;

/// <summary>The same store on both engines: filled once, and copied as an operator would.</summary>
/// <param name="Database">On PostgreSQL; null where there is none.</param>
internal sealed record FilledStore(int Tokensets, Deployment Deployment, RequestFiles Files, int ProviderPort, string? Database) : IDisposable
{
    public static async Task<FilledStore> CreateAsync(StoreSize size, PostgresServer? postgres)
    {
        var deployment = new Deployment(database: null);
        try
        {
            var providerPort = LoopbackHttp.FreePort();
            var files = await BenchStore.FillAsync(deployment, size with { TokenUrl = BenchProvider.TokenUrl(providerPort) });
            var database = postgres is null ? null : await postgres.CreateDatabaseAsync();
            if (database is not null)
            {
                await deployment.CopyToAsync(database);
                await DatabaseUse.SettleAsync(database);
            }

            return new FilledStore(size.Tokensets, deployment, files, providerPort, database);
        }
        catch
        {
            deployment.Dispose();
            throw;
        }
    }

    public void Dispose() => Deployment.Dispose();
}
