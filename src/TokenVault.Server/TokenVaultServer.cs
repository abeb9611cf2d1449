using Microsoft.AspNetCore.HttpOverrides;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Keys.Jose;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Server.Tokensets;

namespace TokenVault.Server;

/// <summary>The composition root: the only type that names every slice. A running server, from its settings to its endpoints.</summary>
internal sealed partial class TokenVaultServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TokenVaultServer(WebApplication app) => _app = app;

    public IServiceProvider Services => _app.Services;

    /// <param name="around">What is to stand between the server and its store, if anything; it owns the store that it is given.</param>
    /// <exception cref="StartupException">The settings, the store or the keys do not allow a start.</exception>
    public static async Task<TokenVaultServer> StartAsync(
        string[] args, Action<WebApplicationBuilder>? configure = null, Func<IStorage, IStorage>? around = null)
    {
        // Settings are read once. Watching their files would watch all below the working directory, and be told of every write to a store there.
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false", .. args]);
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton(new KeyPairMaker(algorithm => algorithm.NewKey()));
        LogFilters.Apply(builder);
        configure?.Invoke(builder);
        var options = OptionsValidation.Read(builder.Configuration);
        var time = Given<TimeProvider>(builder);

        CreateDataDirectory(options.DataDirectory);
        var storageLog = new LateLogger();
        var storage = await OpenStorageAsync(options, time, storageLog);
        storage = around?.Invoke(storage) ?? storage;
        WebApplication? app = null;
        try
        {
            var ring = await KeyRing.OpenAsync(storage, options.RootKeys, time, CancellationToken.None);
            var signingKeys = await SigningKeys.OpenAsync(storage, ring, Given<KeyPairMaker>(builder), time, CancellationToken.None);
            Register(builder.Services, options, storage, ring, signingKeys);
            Listen(builder, options);
            app = builder.Build();
            storageLog.Target = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("TokenVault.Server.Storage");
            Map(app, options);
            var scopes = ((IEndpointRouteBuilder)app).ScopesInUse();
            var isFirst = await app.Services.GetRequiredService<Bootstrap>().RunAsync(scopes, LocalAuthority(options), CancellationToken.None);
            await app.StartAsync();
            Log.Serving(app.Logger, options.Issuer);
            if (isFirst)
            {
                Log.Bootstrapped(app.Logger, Path.GetFullPath(Path.Combine(options.DataDirectory, "bootstrap.json")));
            }

            return new TokenVaultServer(app);
        }
        catch (Exception e)
        {
            if (app is not null)
            {
                await app.DisposeAsync();
            }

            await storage.DisposeAsync();
            if (e is IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException } or StorageUnavailableException)
            {
                throw new StartupException(e.Message);
            }

            throw;
        }
    }

    public Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();

        // Refreshes that have begun finish before the store closes.
        var storage = _app.Services.GetRequiredService<IStorage>();
        await _app.Services.GetRequiredService<TokensetRefresher>().DisposeAsync();
        await _app.Services.GetRequiredService<SigningKeys>().DisposeAsync();
        await _app.Services.GetRequiredService<KeyRing>().DisposeAsync();
        await _app.DisposeAsync();
        await storage.DisposeAsync();
    }

    public static async Task<IStorage> OpenStorageAsync(TokenVaultOptions options, TimeProvider time, LateLogger? log) =>
        options.Storage.ConnectionString is { } connectionString
            ? await PostgresStorage.OpenAsync(connectionString, time, log, options.Storage.ClockTolerance)
            : SqliteStorage.Open(options.DatabaseFile, time, log);

    /// <summary>What is needed before there is a container: the default, or what whoever starts the server brings along instead.</summary>
    private static T Given<T>(WebApplicationBuilder builder) =>
        (T)builder.Services.Last(service => service.ServiceType == typeof(T)).ImplementationInstance!;

    /// <summary>For the server's eyes only: it holds the root key.</summary>
    private static void CreateDataDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Before the forwarded addresses: it is the proxy itself that must be trusted.</summary>
    private static void UseClientCertificates(WebApplication app, TokenVaultOptions options)
    {
        if (options.Mtls.Header is { } header)
        {
            var certificates = new ClientCertificateHeader(header, [.. options.Proxy.TrustedNetworks.Select(Network.Parse)]);
            app.Use(next => context => certificates.HandleAsync(context, next));
        }
    }

    /// <summary>Forwarded addresses count only from proxies that the operator named (T-PW-05).</summary>
    private static void UseTrustedProxies(WebApplication app, TokenVaultOptions options)
    {
        if (options.Proxy.TrustedNetworks.Count == 0)
        {
            return;
        }

        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        forwarded.KnownIPNetworks.Clear();
        forwarded.KnownProxies.Clear();
        foreach (var text in options.Proxy.TrustedNetworks)
        {
            if (Network.TryParse(text, out var network))
            {
                forwarded.KnownIPNetworks.Add(new System.Net.IPNetwork(network.Address, network.PrefixLength));
            }
        }

        app.UseForwardedHeaders(forwarded);
    }

    private static void Listen(WebApplicationBuilder builder, TokenVaultOptions options)
    {
        var issuer = new Uri(options.Issuer);
        var certificate = options.Proxy.PlainHttp ? null : Certificate(options, issuer);
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 128 * 1024;
            kestrel.Limits.MaxRequestLineSize = 16 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.ConfigureHttpsDefaults(https =>
            {
                (https.ServerCertificate, https.ServerCertificateChain) = (certificate?.Leaf, certificate?.Chain);
                ClientCertificates.Ask(https, options.Mtls.Port);
            });
        });
        if (string.IsNullOrEmpty(builder.Configuration["urls"]))
        {
            var host = issuer.IsLoopback ? "localhost" : "*";
            var scheme = options.Proxy.PlainHttp ? "http" : "https";
            builder.WebHost.UseUrls([$"{scheme}://{host}:{issuer.Port}", .. options.Mtls.Port == 0 ? [] : (string[])[$"https://{host}:{options.Mtls.Port}"]]);
        }
    }

    /// <summary>What a client of this server has to trust, when the server made its certificate itself.</summary>
    private static string? LocalAuthority(TokenVaultOptions options) =>
        options.Proxy.PlainHttp || options.Tls.CertificateFile is not null
            ? null
            : File.ReadAllText(Path.Combine(options.DataDirectory, "tls", "ca.pem"));

    private static ServerCertificate Certificate(TokenVaultOptions options, Uri issuer)
    {
        if (options.Tls is { CertificateFile: { } certificate, KeyFile: { } key })
        {
            return ServerCertificate.Load(certificate, key);
        }

        var directory = Path.Combine(options.DataDirectory, "tls");
        return new ServerCertificate(LocalCertificateAuthority.LoadOrCreate(directory, issuer.Host, TimeProvider.System), []);
    }
}
