using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>
/// One JWT, shown to two nodes at once, over and over, with a restart in between. TOKENVAULT_REPLAYS says how often; the full measure is 10000.
/// </summary>
[NeedsPostgres]
public sealed class ReplayNodesTests : WorkerScene
{
    private const int AtOnce = 32;

    private static readonly int Replays =
        int.TryParse(Environment.GetEnvironmentVariable("TOKENVAULT_REPLAYS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 400;

    private PostgresServer _server = null!;
    private Dictionary<string, string?> _settings = [];

    private protected override IReadOnlyDictionary<string, string?> Settings => _settings;

    public override async Task InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        _settings = new Dictionary<string, string?> { ["TokenVault:Storage:ConnectionString"] = await _server.CreateDatabaseAsync() };
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task T_PW_03_a_subject_token_is_good_once_on_two_nodes_with_a_restart_in_between()
    {
        var address = $"https://localhost:{LoopbackHttp.FreePort()}";
        await using var node = await Vault.StartNodeAsync(address);
        var worker = await NewWorkerAsync();
        var token = worker.SubjectToken(User.Id);
        var granted = await ShowAsync();
        await Vault.RestartAsync();
        (granted + await ShowAsync()).ShouldBe(1);

        async Task<int> ShowAsync()
        {
            var count = 0;
            await Parallel.ForEachAsync(Enumerable.Range(0, Replays / 2), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, stopping) =>
            {
                using var form = new FormUrlEncodedContent(worker.Request(token));
                using var response = await Vault.Api.Http.PostAsync(new Uri((i % 2 == 0 ? Vault.Issuer : address + "/") + "oauth/token"), form, stopping);
                ((int)response.StatusCode).ShouldBeOneOf(200, 401);
                Interlocked.Add(ref count, response.IsSuccessStatusCode ? 1 : 0);
            });
            return count;
        }
    }

    /// <summary>Past the limit on failed authentications, which would refuse all but the first few.</summary>
    [Fact]
    public async Task T_CA_05_a_client_assertion_is_good_once_on_two_nodes_with_a_restart_in_between()
    {
        await using var node = await Vault.StartNodeAsync($"https://localhost:{LoopbackHttp.FreePort()}");
        var worker = await NewWorkerAsync();
        var client = (await Storage.FindAsync<Client>(worker.ClientId, default))!;
        var assertion = worker.Assertion();
        var accepted = await ShowAsync();
        await Vault.RestartAsync();
        (accepted + await ShowAsync()).ShouldBe(1);

        async Task<int> ShowAsync()
        {
            AssertionVerifier[] verifiers = [Vault.Service<AssertionVerifier>(), node.Services.GetRequiredService<AssertionVerifier>()];
            var count = 0;
            await Parallel.ForEachAsync(Enumerable.Range(0, Replays / 2), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (i, _) =>
                Interlocked.Add(ref count, (await verifiers[i % 2].VerifyAsync(client, assertion)).Length == 0 ? 1 : 0));
            return count;
        }
    }
}
