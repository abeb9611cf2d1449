using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using TokenVault.Server;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;
using TokenVault.Tests.Keys;
using Xunit.Abstractions;

namespace TokenVault.Tests.Flows.Keys;

/// <summary>
/// Vault keys are rotated from the command line while applications exchange at every node, and nobody notices. How many tokensets there
/// are says the environment variable <c>TOKENVAULT_ROTATION_TOKENSETS</c>.
/// </summary>
public abstract class RotationFlows(ITestOutputHelper output) : VaultScene
{
    private const int Workers = 6;
    private const int RealUsers = 4;
    private const int Rotations = 2;

    private readonly List<(string RefreshToken, string AccessToken, string TokensetId)> _made = [];
    private volatile bool _ended;
    private string[] _addresses = [];
    private int _exchanges;
    private int _rewrites;

    private protected override SandboxOptions ProviderOptions =>
        FakeProvider.Defaults() with { AccessTokenLifetime = TimeSpan.FromSeconds(3), Rotation = SandboxRotation.FamilyRevoking };

    private static int Tokensets =>
        int.Parse(Environment.GetEnvironmentVariable("TOKENVAULT_ROTATION_TOKENSETS") ?? "2000", CultureInfo.InvariantCulture);

    [Fact]
    public async Task F_21_Keys_are_rotated_under_exchanges_without_an_error_and_nothing_is_left_under_the_old_ones()
    {
        await using var nodes = await NodesAsync();
        await MakeTokensetsAsync();
        var users = new List<TestUser>();
        for (var i = 0; i < RealUsers; i++)
        {
            users.Add(await ConnectedUserAsync());
        }

        var ticking = TickAsync();
        var work = Enumerable.Range(0, Workers).Select(ExchangeAsync)
            .Concat(users.Select(RefreshAsync))
            .Append(RewriteAsync(nodes.Ring))
            .ToList();
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < Rotations; i++)
        {
            await CommandAsync("rotate");
            var answer = await CommandAsync("rewrap");
            answer.ShouldContain("Everything that opens is under " + VaultKey.Name(Vault.Service<KeyRing>().SealingId));
            output.WriteLine(answer);
        }

        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        _ended = true;
        await Task.WhenAll(work);
        await ticking;

        var keys = await Storage.ListAllAsync<VaultKey>(index: null, CancellationToken.None);
        keys.Count.ShouldBe(1 + Rotations);
        await CommandAsync("rewrap");
        var (list, verified) = (await CommandAsync("list"), await CommandAsync("verify"));
        output.WriteLine(list + verified);
        list.ShouldMatch($"{keys.MaxBy(key => key.Generation)!.Id} .*active");
        list.Split('\n').Count(line => line.Contains("previous", StringComparison.Ordinal) && line.EndsWith(" 0 values", StringComparison.Ordinal)).ShouldBe(Rotations);
        verified.ShouldEndWith("; 0 do not open.\n");
        output.WriteLine($"{Tokensets} tokensets, {Rotations} rotations, {_addresses.Length} nodes: {_exchanges} exchanges and {_rewrites} writes in {seconds:0.0} s, 0 errors; {Provider.Refresh.Calls} refreshes");
        _exchanges.ShouldBeGreaterThan(100);
        _rewrites.ShouldBeGreaterThan(10);
        Provider.Refresh.Calls.ShouldBeGreaterThan(RealUsers);
    }

    /// <summary>The further nodes; the addresses of all, and the ring of one that is not the first where there are several.</summary>
    private protected abstract Task<Nodes> NodesAsync();

    private protected abstract IReadOnlyDictionary<string, string?> CommandSettings { get; }

    private async Task<string> CommandAsync(string verb)
    {
        await using var text = new StringWriter { NewLine = "\n" };
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(CommandSettings).Build();
        (await KeysCommand.RunAsync([verb], text, configuration, Clock)).ShouldBe(0, text.ToString());
        return text.ToString();
    }

    /// <summary>Time passes for the servers as it does for the test.</summary>
    private async Task TickAsync()
    {
        for (var last = Stopwatch.GetTimestamp(); !_ended;)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            Clock.Advance(Stopwatch.GetElapsedTime(last));
            last = Stopwatch.GetTimestamp();
        }
    }

    private async Task ExchangeAsync(int worker)
    {
        for (var i = worker; !_ended; i += Workers)
        {
            var (refreshToken, accessToken, _) = _made[i % _made.Count];
            var (status, text) = await ExchangeAtAsync(_addresses[i % _addresses.Length], refreshToken);
            status.ShouldBe(200, text);
            text.ShouldContain($"\"{accessToken}\"");
            Interlocked.Increment(ref _exchanges);
        }
    }

    /// <summary>Real accounts, whose access tokens end all the time.</summary>
    private async Task RefreshAsync(TestUser user)
    {
        for (var i = 0; !_ended; i++)
        {
            var (status, text) = await ExchangeAtAsync(_addresses[i % _addresses.Length], user.RefreshToken);
            status.ShouldBe(200, text);
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
        }
    }

    /// <summary>One node writes what the others read the next moment.</summary>
    private async Task RewriteAsync(KeyRing ring)
    {
        var sealer = new TokensetSealer(ring);
        for (var i = 0; !_ended; i = (i + 7) % _made.Count)
        {
            var (refreshToken, accessToken, id) = _made[i];
            var tokenset = (await Storage.FindAsync<Tokenset>(id, CancellationToken.None)).ShouldNotBeNull();
            var next = sealer.Seal(tokenset, new Secret(accessToken), sealer.Open(tokenset).RefreshToken);
            (await Storage.CommitAsync(new Batch().Replace(next))).Committed.ShouldBeTrue();
            var (status, text) = await ExchangeAtAsync(_addresses[i % _addresses.Length], refreshToken);
            status.ShouldBe(200, text);
            _rewrites++;
        }
    }

    private async Task<(int Status, string Text)> ExchangeAtAsync(string address, string refreshToken)
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["client_id"] = App.Credentials.ClientId,
            ["client_secret"] = App.Credentials.ClientSecret,
            ["grant_type"] = Wire.FederatedExchange,
            ["subject_token"] = refreshToken,
            ["subject_token_type"] = Wire.RefreshTokenType,
            ["requested_token_type"] = Wire.FederatedAccessTokenType,
            ["connection"] = Calendar,
        });
        using var response = await Vault.Api.Http.PostAsync(new Uri(address + "oauth/token"), form);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task MakeTokensetsAsync()
    {
        var client = (await Storage.FindAsync<Client>(App.Credentials.ClientId, CancellationToken.None)).ShouldNotBeNull();
        var connection = (await Storage.FindByKeyAsync<Connection>("name", Calendar, CancellationToken.None)).ShouldNotBeNull();
        var refreshTokens = Vault.Service<RefreshTokens>();
        var store = new SealedStore(Storage, Vault.Service<KeyRing>(), Clock);
        var users = Enumerable.Range(0, Tokensets).Select(_ => new User { UserId = Identifier.User(), Connection = Wire.DatabaseConnection }).ToList();
        var tokens = users.ConvertAll(user => refreshTokens.Create(client, user.UserId, audience: null, []));
        var tokensets = users.ConvertAll(user => store.Tokenset(user.UserId, connection.Id, connection.Name));
        await store.InsertAsync(users);
        await store.InsertAsync(tokens.Select(token => token.Record));
        await store.InsertAsync(tokensets);
        _made.AddRange(tokens.Zip(tokensets, (token, tokenset) => (token.Token.Reveal(), SealedStore.TokenOf(tokenset.Id).Reveal(), tokenset.Id)));
        _addresses = [Vault.Issuer, .. More];
    }

    /// <summary>Where the further nodes listen.</summary>
    private protected virtual IReadOnlyList<string> More => [];

    private protected sealed record Nodes(KeyRing Ring, IAsyncDisposable? Other) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Other?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
