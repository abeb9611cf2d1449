using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Possession;
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

    [Fact]
    public async Task T_CA_11_a_DPoP_proof_is_good_once_on_two_nodes_and_each_takes_the_others_nonce()
    {
        var address = $"https://localhost:{LoopbackHttp.FreePort()}";
        await using var node = await Vault.StartNodeAsync(address);
        var key = DpopKey.Create(Clock.GetUtcNow);
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = Wire.ClientCredentials,
            ["client_id"] = (string)Vault.Bootstrap["client_id"]!,
            ["client_secret"] = (string)Vault.Bootstrap["client_secret"]!,
            ["audience"] = (string)Vault.Bootstrap["audience"]!,
        };
        string[] nodes = [Vault.Issuer, address + "/"];
        for (var i = 0; i < nodes.Length; i++)
        {
            key.Nonce = null;
            using var demanded = await SendAsync(nodes[i], key.Proof("POST", Vault.Issuer + "oauth/token"));
            key.Nonce = demanded.Headers.GetValues("DPoP-Nonce").Single();
            var proof = key.Proof("POST", Vault.Issuer + "oauth/token");
            var granted = 0;
            await Parallel.ForEachAsync(Enumerable.Range(0, 40), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (n, _) =>
            {
                using var response = await SendAsync(nodes[(i + 1 + n) % 2], proof);
                Interlocked.Add(ref granted, response.IsSuccessStatusCode ? 1 : 0);
            });
            granted.ShouldBe(1);
        }

        async Task<HttpResponseMessage> SendAsync(string at, string proof)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, at + "oauth/token") { Content = new FormUrlEncodedContent(form) };
            request.Headers.TryAddWithoutValidation("DPoP", proof);
            return await Vault.Api.Http.SendAsync(request);
        }
    }
}
