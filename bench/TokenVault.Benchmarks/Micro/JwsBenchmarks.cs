using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server;
using TokenVault.Server.Keys;

namespace TokenVault.Benchmarks.Micro;

/// <summary>The vault's own access tokens: made, and verified with everything that is checked of one.</summary>
[InProcess]
[MemoryDiagnoser]
public class JwsBenchmarks
{
    private const string Api = "https://api.example/";

    private readonly Deployment _deployment = new(database: null);
    private TokenVaultServer _server = null!;
    private AccessTokens _tokens = null!;
    private string _token = "";

    // Set-up that returns a task is not waited for in process.
    [GlobalSetup]
    public void SetUp() => SetUpAsync().GetAwaiter().GetResult();

    [GlobalCleanup]
    public void CleanUp() => CleanUpAsync().GetAwaiter().GetResult();

    private async Task SetUpAsync()
    {
        _server = await TokenVaultServer.StartAsync([], _deployment.Configure);
        _tokens = _server.Services.GetRequiredService<AccessTokens>();
        _token = SignRs256();
    }

    private async Task CleanUpAsync()
    {
        await _server.DisposeAsync();
        _deployment.Dispose();
    }

    [Benchmark]
    public string SignRs256() =>
        _tokens.Issue(new AccessTokenClaims("client", Api, ["read:calendar"], TimeSpan.FromHours(1)) { UserId = "auth0|0123456789abcdef01234567" }).Reveal();

    [Benchmark]
    public bool VerifyRs256() => _tokens.Verify(_token, Api, out _) is not null;
}
