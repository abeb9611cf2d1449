using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Benchmarks.Micro;

/// <summary>A user's tokenset, found as the exchange finds it and opened, among ten thousand.</summary>
[InProcess]
[MemoryDiagnoser]
public class TokensetReadBenchmarks
{
    private const int Tokensets = 10_000;

    private readonly List<Tokenset> _known = [];
    private PostgresServer? _postgres;
    private Deployment _deployment = null!;
    private TokenVaultServer _server = null!;
    private TokensetFinder _finder = null!;
    private TokensetSealer _sealer = null!;
    private int _next;

    [Params("SQLite", "PostgreSQL")]
    public string Engine { get; set; } = "";

    // Set-up that returns a task is not waited for in process.
    [GlobalSetup]
    public void SetUp() => SetUpAsync().GetAwaiter().GetResult();

    [GlobalCleanup]
    public void CleanUp() => CleanUpAsync().GetAwaiter().GetResult();

    private async Task SetUpAsync()
    {
        _postgres = Engine == "PostgreSQL" ? await PostgresServer.StartAsync() : null;
        _deployment = new Deployment(_postgres is null ? null : await _postgres.CreateDatabaseAsync());
        await BenchStore.FillAsync(_deployment, new StoreSize(Tokensets));
        _server = await TokenVaultServer.StartAsync([], _deployment.Configure);
        _finder = _server.Services.GetRequiredService<TokensetFinder>();
        _sealer = _server.Services.GetRequiredService<TokensetSealer>();
        _known.AddRange(await _server.Services.GetRequiredService<IStorage>().ListAllAsync<Tokenset>(index: null, CancellationToken.None));
    }

    private async Task CleanUpAsync()
    {
        await _server.DisposeAsync();
        _deployment.Dispose();
        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    [Benchmark]
    public async Task<bool> FindAndOpen()
    {
        var wanted = _known[_next++ % _known.Count];
        var found = await _finder.FindAsync(wanted.UserId, wanted.ConnectionId, hint: null, Recall.None, CancellationToken.None);
        return _sealer.Open(found!).RefreshToken is not null;
    }
}
