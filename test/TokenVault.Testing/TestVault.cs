using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Storage;

namespace TokenVault.Testing;

/// <summary>
/// A real server: Kestrel with TLS on loopback, SQLite in a temporary directory (or what the settings say), the whole composition; only
/// its clock is the test's.
/// </summary>
internal sealed class TestVault : IAsyncDisposable
{
    private readonly Dictionary<string, string?> _settings;
    private readonly Action<IServiceCollection> _services;
    private TokenVaultServer _server;

    private TestVault(
        TokenVaultServer server, Dictionary<string, string?> settings, VaultClock clock, TestLog log, Action<IServiceCollection> services)
    {
        _services = services;
        _server = server;
        _settings = settings;
        Clock = clock;
        Log = log;
        DataDirectory = settings["TokenVault:DataDirectory"]!;
        Bootstrap = JsonNode.Parse(File.ReadAllText(Path.Combine(DataDirectory, "bootstrap.json")))!;
        var authority = Bootstrap["ca_certificate"]!.GetValue<string>();
        Api = new VaultApi(settings["TokenVault:Issuer"]!, X509Certificate2.CreateFromPem(authority));
    }

    public VaultClock Clock { get; }

    /// <summary>Everything that the server logged.</summary>
    public TestLog Log { get; }

    public string DataDirectory { get; }

    /// <summary>The content of bootstrap.json.</summary>
    public JsonNode Bootstrap { get; }

    public VaultApi Api { get; }

    public string Issuer => Api.Issuer;

    public IStorage Storage => _server.Services.GetRequiredService<IStorage>();

    public T Service<T>()
        where T : notnull => _server.Services.GetRequiredService<T>();

    /// <param name="services">Parts of the server that the test brings along.</param>
    public static async Task<TestVault> StartAsync(IReadOnlyDictionary<string, string?>? settings = null, Action<IServiceCollection>? services = null)
    {
        var clock = new VaultClock();
        var log = new TestLog();
        var keys = new VaultKeys();
        for (var attempt = 1; ; attempt++)
        {
            var all = new Dictionary<string, string?>
            {
                ["TokenVault:Issuer"] = $"https://localhost:{LoopbackHttp.FreePort()}/",
                ["TokenVault:DataDirectory"] = Directory.CreateTempSubdirectory("tokenvault-test-").FullName,
                ["TokenVault:Egress:AllowedNetworks:0"] = "127.0.0.0/8",

                // A clock that stands still has one second for all requests.
                ["TokenVault:Api:RequestsPerSecond"] = "0",

                // Most of a sign-in is its password's hash: the fewest that there may be.
                ["TokenVault:Passwords:Iterations"] = "10000",

                // The test's clock has nothing to do with the database's.
                ["TokenVault:Storage:ClockTolerance"] = "36500.00:00:00",
            };
            foreach (var (key, value) in settings ?? new Dictionary<string, string?>())
            {
                all[key] = value;
            }

            try
            {
                return new TestVault(await StartServerAsync(all, clock, log, Bring), all, clock, log, Bring);
            }
            catch (StartupException e) when (attempt < 5 && e.Message.Contains("in use", StringComparison.OrdinalIgnoreCase))
            {
                // Somebody else took the free port first.
            }
        }

        void Bring(IServiceCollection parts)
        {
            parts.AddSingleton(new KeyPairMaker(keys.Make));
            services?.Invoke(parts);
        }
    }

    /// <summary>Stops the server and starts it again on the same data.</summary>
    /// <param name="meanwhile">What to do while it is stopped.</param>
    public async Task RestartAsync(Func<Task>? meanwhile = null)
    {
        await _server.DisposeAsync();
        await (meanwhile?.Invoke() ?? Task.CompletedTask);
        _server = await StartServerAsync(_settings, Clock, Log, _services);
    }

    /// <summary>Starts a second server on the same data, listening elsewhere; for a store that takes several.</summary>
    public Task<TokenVaultServer> StartNodeAsync(string address)
    {
        // A data directory of its own, the same root key, and a certificate by the authority that the test trusts.
        var own = Directory.CreateDirectory(Path.Combine(DataDirectory, "node")).FullName;
        var tls = Directory.CreateDirectory(Path.Combine(own, "tls")).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(DataDirectory, "tls")))
        {
            File.Copy(file, Path.Combine(tls, Path.GetFileName(file)));
        }

        var settings = new Dictionary<string, string?>(_settings)
        {
            ["urls"] = address,
            ["TokenVault:DataDirectory"] = own,
            ["TokenVault:Keys:RootKeyFile"] = Path.Combine(DataDirectory, "root.key"),
        };
        return StartServerAsync(settings, Clock, Log, _services);
    }

    public Browser NewBrowser() => new(Api.Trusted);

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }

    private static Task<TokenVaultServer> StartServerAsync(
        Dictionary<string, string?> settings, VaultClock clock, TestLog log, Action<IServiceCollection> services) =>
        TokenVaultServer.StartAsync([], builder =>
        {
            builder.Configuration.AddInMemoryCollection(settings);
            builder.Services.AddSingleton<TimeProvider>(clock);
            services(builder.Services);
            builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Information);
        });
}
