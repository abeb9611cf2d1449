using TokenVault.Faults.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Faults.World;

/// <summary>Nodes on one database, a provider of each rotation class, users with an account at each, and the harness's own eyes on the store.</summary>
internal sealed class VaultWorld : IAsyncDisposable
{
    private const int ConnectionsPerNode = 60;

    private static int _count;

    private readonly PostgresStorage _storage;

    private VaultWorld(FastClock clock, IReadOnlyList<NodeProcess> nodes, IReadOnlyList<RotationProvider> providers, PostgresStorage storage, KeyRing ring)
    {
        Clock = clock;
        Nodes = nodes;
        Providers = providers;
        _storage = storage;
        Ring = ring;
    }

    public FastClock Clock { get; }

    public IReadOnlyList<NodeProcess> Nodes { get; }

    public IReadOnlyList<RotationProvider> Providers { get; }

    public KeyRing Ring { get; }

    public IStorage Storage => _storage;

    public Callers Callers { get; private set; } = null!;

    /// <summary>What the nodes complained about, for a scenario that failed.</summary>
    public string Errors => string.Join('\n', Nodes.Select(node => $"-- {node.Name}\n{node.Errors}"));

    /// <param name="dataRoot">Where a node's data directory is to be made; null: in the keeper's directory.</param>
    public static async Task<VaultWorld> StartAsync(PostgresServer database, Keeper keeper, WorldPlan plan, Func<int, string?>? dataRoot = null)
    {
        var clock = new FastClock(1, TimeProvider.System.GetUtcNow());

        // So that all nodes together have no more connections than the database allows.
        var connectionString = $"Maximum Pool Size={ConnectionsPerNode};{await database.CreateDatabaseAsync()}";
        var directory = Directory.CreateDirectory(Path.Combine(keeper.Directory, $"world{Interlocked.Increment(ref _count)}")).FullName;
        var directories = Enumerable.Range(0, plan.Nodes).Select(i => dataRoot?.Invoke(i) ?? Path.Combine(directory, $"node{i}")).ToList();
        var addresses = directories.Select(_ => new Uri($"https://localhost:{LoopbackHttp.FreePort()}/")).ToList();
        var nodes = directories.Select((data, i) => new NodeProcess($"node {i}", addresses[i], Settings(i), clock, keeper)).ToList();
        var people = Enumerable.Range(0, plan.Users).Select(i => new SandboxPerson($"person{i}", $"Person {i}", $"person{i}@sandbox.example")).ToList();
        var providers = new List<RotationProvider>();
        try
        {
            foreach (var rotation in plan.Rotations)
            {
                providers.Add(await RotationProvider.StartAsync(rotation, people, clock, plan.Factor, () => nodes.Select(node => node.Id)));
            }

            // The set-up needs one node only, and the system's own time: its codes and tickets are short-lived.
            await nodes[0].StartAsync();
            foreach (var other in directories.Skip(1))
            {
                CopyCertificates(directories[0], other);
            }

            var storage = await PostgresStorage.OpenAsync(connectionString, clock);
            var ring = await KeyRing.OpenAsync(storage, new RootKeys(RootKey()), clock, CancellationToken.None);
            var world = new VaultWorld(clock, nodes, providers, storage, ring);
            world.Callers = await Callers.SetUpAsync(world, Path.Combine(directories[0], "bootstrap.json"), people);
            await world.HastenAsync(plan.Factor);
            return world;
        }
        catch (Exception e) when (e is not FaultsException)
        {
            var errors = string.Join('\n', nodes.Select(node => node.Errors));
            await EndAsync(nodes, providers);
            throw new FaultsException($"The world did not start: {e.Message}\n{errors}");
        }

        string RootKey() => Path.Combine(directories[0], "root.key");

        Dictionary<string, string> Settings(int node) => new()
        {
            ["TokenVault:Issuer"] = addresses[0].ToString(),
            ["TokenVault:DataDirectory"] = directories[node],
            ["TokenVault:Keys:RootKeyFile"] = RootKey(),
            ["TokenVault:Storage:ConnectionString"] = connectionString,
            ["TokenVault:Storage:ClockTolerance"] = "36500.00:00:00",
            ["TokenVault:Egress:AllowedNetworks:0"] = "127.0.0.0/8",
            ["urls"] = addresses[node].ToString(),
        };
    }

    public NodeProcess? NodeOf(int process) => Nodes.FirstOrDefault(node => node.Id == process);

    /// <summary>When the process that made a call ended; null while it runs. One that nobody found had gone already.</summary>
    public long? EndOf(FakeRefresh call) => call.Caller == 0
        ? call.BeganAt
        : Nodes.Select(node => node.EndedAt.TryGetValue(call.Caller, out var at) ? at : (long?)null).FirstOrDefault(at => at is not null);

    /// <summary>Whether a node stood still at about this time although nobody stopped it: the machine was too busy.</summary>
    public bool StoodStill(long timestamp) => Nodes.Any(node => node.Stalls.Any(stall => stall.From <= timestamp && timestamp <= stall.To + TimeProvider.System.TimestampFrequency));

    public async Task<Tokenset?> RowOfAsync(Grant grant) => await Storage.FindAsync<Tokenset>(grant.TokensetId, CancellationToken.None);

    /// <summary>
    /// Puts the end of the access token into the past, in the row, as time would: to the second, and whatever the provider said of it.
    /// </summary>
    public async Task ExpireAsync(Grant grant)
    {
        grant.BeginRound();
        while (await RowOfAsync(grant) is { } row)
        {
            var ended = row with { AccessTokenExpiresAt = Clock.GetUtcNow() - TimeSpan.FromSeconds(1) };
            if ((await Storage.CommitAsync(new Batch().Replace(ended))).Committed)
            {
                return;
            }
        }

        throw new FaultsException($"{grant} is not in the store.");
    }

    public async ValueTask DisposeAsync()
    {
        Callers?.Dispose();
        await EndAsync(Nodes, Providers);
        await _storage.DisposeAsync();
    }

    /// <summary>The nodes of the scenario itself: all of them, by the fast clock.</summary>
    private async Task HastenAsync(int factor)
    {
        await Nodes[0].KillAsync();
        Clock.Hasten(factor);
        await Task.WhenAll(Nodes.Select(node => node.StartAsync()));
    }

    private static async Task EndAsync(IEnumerable<NodeProcess> nodes, IEnumerable<RotationProvider> providers)
    {
        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }

        foreach (var provider in providers)
        {
            await provider.DisposeAsync();
        }
    }

    private static void CopyCertificates(string from, string to)
    {
        var target = Directory.CreateDirectory(Path.Combine(to, "tls"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(from, "tls")))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }
    }
}
