using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection.Extensions;
using TokenVault.Server.Accounts;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Exchange;
using TokenVault.Server.Http;
using TokenVault.Server.Http.OpenApi;
using TokenVault.Server.Keys;
using TokenVault.Server.LogStreams;
using TokenVault.Server.OAuth;
using TokenVault.Server.OAuth.Grants;
using TokenVault.Server.OAuth.Linking;
using TokenVault.Server.OAuth.SignIn;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Server.Tokensets;
using TokenVault.Server.Users;
using TokenVault.Server.Users.Factors;

namespace TokenVault.Server;

/// <summary>The composition root: the only file that names every slice. A running server, from its settings to its endpoints.</summary>
internal sealed class TokenVaultServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TokenVaultServer(WebApplication app) => _app = app;

    public IServiceProvider Services => _app.Services;

    /// <param name="around">What is to stand between the server and its store, if anything; it owns the store that it is given.</param>
    /// <exception cref="StartupException">The settings, the store or the keys do not allow a start.</exception>
    public static async Task<TokenVaultServer> StartAsync(
        string[] args, Action<WebApplicationBuilder>? configure = null, Func<IStorage, IStorage>? around = null)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Services.AddSingleton(TimeProvider.System);
        LogFilters.Apply(builder);
        configure?.Invoke(builder);
        var options = OptionsValidation.Read(builder.Configuration);
        var time = (TimeProvider)builder.Services.Last(service => service.ServiceType == typeof(TimeProvider)).ImplementationInstance!;

        CreateDataDirectory(options.DataDirectory);
        var storageLog = new LateLogger();
        var storage = await OpenStorageAsync(options, time, storageLog);
        storage = around?.Invoke(storage) ?? storage;
        WebApplication? app = null;
        try
        {
            var ring = await KeyRing.OpenAsync(storage, options.RootKeys, time, CancellationToken.None);
            var signingKeys = await SigningKeys.OpenAsync(storage, ring, time, CancellationToken.None);
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

    private static void Register(IServiceCollection services, TokenVaultOptions options, IStorage storage, KeyRing ring, SigningKeys keys)
    {
        services.AddSingleton(options).AddSingleton(storage).AddSingleton(ring).AddSingleton(keys).AddSingleton<RecordCache>();
        services.AddSingleton<AuditLog>().AddSingleton<AccessTokens>().AddSingleton<DpopProofs>().AddSingleton<PresentedTokens>().AddSingleton<AttemptLimiter>().AddSingleton<LimitAlarm>().AddSingleton<RequestRates>().AddSingleton<Health>();
        services.AddSingleton<Cursors>().AddSingleton<ManagementGate>().AddSingleton<ManagementTrace>().AddSingleton<ManagementRecords>().AddSingleton<Bootstrap>();
        services.AddSingleton<SessionCookie>().AddSingleton<PageStates>().AddSingleton<LoginEndpoint>().AddSingleton<LoginAttempts>();
        services.AddSingleton<FactorVisits>().AddSingleton<FactorAcceptance>().AddSingleton<FactorCodes>().AddSingleton<FactorSecrets>().AddSingleton<RecoveryCodes>();
        services.AddSingleton<KnownBrowsers>().AddSingleton<PasskeyCeremony>().AddSingleton<ChallengeEndpoint>().AddSingleton<EnrolmentEndpoint>().AddSingleton<FactorEndpoints>();
        services.AddSingleton<UserEndpoints>().AddSingleton<SignInChoices>(s => s.GetRequiredService<SignInPages>().ChoicesAsync);
        services.AddSingleton<ClientAuthenticator>().AddSingleton<AuthenticationTrace>().AddSingleton<AssertionVerifier>().AddSingleton<CertificateVerifier>().AddSingleton<ApiAccessPolicy>().AddSingleton<MultiFactorPolicy>().AddSingleton<RefreshTokens>().AddSingleton<BrowserOrigins>();
        services.AddSingleton<CallerStanding>(s => s.GetRequiredService<ApiAccessPolicy>().StandingAsync);
        services.AddSingleton<ClientEndpoints>().AddSingleton<ClientCredentialEndpoints>().AddSingleton<ClientGrantEndpoints>().AddSingleton<ResourceServerEndpoints>();
        services.AddSingleton(_ => ProviderCatalog.Load()).TryAddSingleton<EgressGuard>();
        services.AddSingleton(s => ProviderClient.Create(
            s.GetRequiredService<ProviderCatalog>(), s.GetRequiredService<EgressGuard>(), ring, options, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ConnectionEndpoints>().AddSingleton<ConnectionClientEndpoints>().AddSingleton<ConnectionKeyEndpoints>();
        services.AddSingleton<ClientRemoval>(s => s.GetRequiredService<ConnectionClientEndpoints>().RemoveClientAsync);
        services.AddSingleton<TokensetSealer>().AddSingleton<TokensetFinder>().AddSingleton<TokensetRefresher>().AddSingleton<RefreshCall>();
        services.AddSingleton<RefreshWait>().AddSingleton<RefreshSaver>().AddSingleton<RefreshLanding>().AddSingleton<RefreshKeeping>().AddSingleton<RefreshSpool>();
        services.AddSingleton<RevocationOutbox>().AddSingleton<RevocationAttempt>().AddHostedService<RevocationService>().AddHostedService<RefreshRecovery>().AddHostedService<ExpiryWatch>();
        services.AddHostedService<HeldGrantSweep>();
        services.AddSingleton<AccountRemoval>().AddSingleton<AccountDisconnection>();
        services.AddSingleton<AccountScopes>().AddSingleton<AccountMove>().AddSingleton<UserMove>(s => s.GetRequiredService<AccountMove>().OfUserAsync);
        services.AddSingleton<UserRemoval>(s => s.GetRequiredService<AccountRemoval>().OfUserAsync);
        services.AddSingleton<ConnectionRemoval>(s => s.GetRequiredService<AccountRemoval>().OfConnectionAsync);
        services.AddSingleton<ConnectionDependents>();
        services.AddSingleton<ConnectionHoldings>(s => s.GetRequiredService<SignInDeparture>().AreUnderWayAsync).AddSingleton<ConnectionHoldings>(s => s.GetRequiredService<AccountRemoval>().HasTokensAsync);
        services.AddSingleton<ConnectSealer>().AddSingleton<ConnectFlow>().AddSingleton<ConnectCallback>().AddSingleton<ConnectBrowserLeg>();
        services.AddSingleton<ConnectPage>().AddSingleton<ConnectDeparture>();
        services.AddSingleton<ConnectCompletion>().AddSingleton<GrantAdoption>().AddSingleton<MyAccountGate>().AddSingleton<MyAccountLists>().AddSingleton<MyAccountEndpoints>();
        services.AddSingleton<UserAccountEndpoints>().AddSingleton<SessionEndpoints>().AddSingleton<RefreshTokenEndpoints>();
        services.AddSingleton<TenantEndpoints>().AddSingleton<TokenExchangeProfileEndpoints>().AddSingleton<SigningKeyEndpoints>().AddSingleton<EncryptionKeyEndpoints>();
        services.AddSingleton<ReferenceEndpoints>();
        services.AddSingleton<SubjectTokenReader>().AddSingleton<AccessTokenSubjects>().AddSingleton<PrivilegedSubjectReader>().AddSingleton<PrivilegedBudget>().AddSingleton<ExchangeAudit>().AddSingleton<ExchangeRules>().AddSingleton<FederatedConnectionExchange>();
        services.AddSingleton<IdTokens>().AddSingleton<TokenIssuer>().AddSingleton<MultiResourcePolicy>().AddSingleton<MultiFactorTokens>().AddSingleton<RefreshAccess>().AddSingleton<AuthenticatorsEndpoint>();
        services.AddSingleton<AuthorizationCodeGrant>().AddSingleton<RefreshTokenGrant>().AddSingleton<ClientCredentialsGrant>();
        services.AddSingleton<AuthorizationGranter>().AddSingleton<ConsentEndpoint>().AddSingleton<AuthorizeEndpoint>().AddSingleton<TokenCaller>().AddSingleton<TokenEndpoint>();
        services.AddSingleton<AuthorizeRequests>().AddSingleton<SignInStep>().AddSingleton<MultiFactorStep>().AddSingleton<SignInDeparture>().AddSingleton<SignInPages>().AddSingleton<SignInUsers>();
        services.AddSingleton<SignInSession>().AddSingleton<SignInReturn>().AddSingleton<SignInEndpoint>();
        services.AddSingleton<IdentityLinking>().AddSingleton<LinkScopes>().AddSingleton<IdentityEndpoints>();
        services.AddSingleton<DiscoveryEndpoint>().AddSingleton<UserinfoEndpoint>().AddSingleton<RevocationEndpoint>().AddSingleton<LogoutEndpoint>();
        services.AddSingleton(SealedNouns.All).AddSingleton(options.RootKeys).AddSingleton<KeyRotation>().AddSingleton<KeyRewrap>();
        services.AddSingleton<KeysOperation>().AddSingleton<RevokeOperation>().AddHostedService<KeyRewrapService>();
        services.AddSingleton<AuditOperation>().AddSingleton<AuditChain>().AddSingleton<LogView>().AddSingleton<LogEndpoints>().AddHostedService<AuditChainService>();
        services.AddSingleton<LogStreamSender>().AddSingleton<LogStreamPump>().AddSingleton<StreamPositions>(s => s.GetRequiredService<LogStreamPump>().PositionsAsync).AddHostedService(s => s.GetRequiredService<LogStreamPump>());
        services.AddSingleton<LogStreamBody>().AddSingleton<LogStreamEndpoints>().AddHostedService<LogTelemetry>();
        if (options.Storage.ConnectionString is null)
        {
            services.AddHostedService<ControlSocket>();
        }

        services.AddHostedService<ExpiredRowPurge>().AddHostedService<TelemetryExport>();

        // The framework's own switch for forwarded addresses believes anybody; here only named proxies are believed (T-PW-05).
        services.PostConfigure<ForwardedHeadersOptions>(forwarded => forwarded.ForwardedHeaders = ForwardedHeaders.None);
    }

    private static void Map(WebApplication app, TokenVaultOptions options)
    {
        UseClientCertificates(app, options);
        UseTrustedProxies(app, options);
        TelemetryExport.UseFor(app);
        app.UseMiddleware<UnexpectedFailure>();
        app.UseSecurityHeaders();
        var origins = app.Services.GetRequiredService<BrowserOrigins>();
        app.Use(next => context => origins.HandleAsync(context, next));
        app.UseRouting();

        var services = app.Services;
        services.GetRequiredService<DiscoveryEndpoint>().Map(app);
        services.GetRequiredService<AuthorizeEndpoint>().Map(app);
        services.GetRequiredService<LoginEndpoint>().Map(app);
        services.GetRequiredService<ChallengeEndpoint>().Map(app);
        services.GetRequiredService<EnrolmentEndpoint>().Map(app);
        services.GetRequiredService<ConsentEndpoint>().Map(app);
        services.GetRequiredService<TokenEndpoint>().Map(app);
        services.GetRequiredService<AuthenticatorsEndpoint>().Map(app);
        services.GetRequiredService<RevocationEndpoint>().Map(app);
        services.GetRequiredService<UserinfoEndpoint>().Map(app);
        services.GetRequiredService<LogoutEndpoint>().Map(app);
        services.GetRequiredService<ConnectBrowserLeg>().Map(app);
        services.GetRequiredService<SignInEndpoint>().Map(app);
        services.GetRequiredService<MyAccountEndpoints>().Map(app);
        services.GetRequiredService<ClientEndpoints>().Map(app);
        services.GetRequiredService<ClientCredentialEndpoints>().Map(app);
        services.GetRequiredService<ClientGrantEndpoints>().Map(app);
        services.GetRequiredService<ResourceServerEndpoints>().Map(app);
        services.GetRequiredService<ConnectionEndpoints>().Map(app);
        services.GetRequiredService<ConnectionClientEndpoints>().Map(app);
        services.GetRequiredService<ConnectionKeyEndpoints>().Map(app);
        services.GetRequiredService<UserEndpoints>().Map(app);
        services.GetRequiredService<UserAccountEndpoints>().Map(app);
        services.GetRequiredService<IdentityEndpoints>().Map(app);
        services.GetRequiredService<FactorEndpoints>().Map(app);
        services.GetRequiredService<SessionEndpoints>().Map(app);
        services.GetRequiredService<RefreshTokenEndpoints>().Map(app);
        services.GetRequiredService<TenantEndpoints>().Map(app);
        services.GetRequiredService<TokenExchangeProfileEndpoints>().Map(app);
        services.GetRequiredService<SigningKeyEndpoints>().Map(app);
        services.GetRequiredService<EncryptionKeyEndpoints>().Map(app);
        services.GetRequiredService<ReferenceEndpoints>().Map(app);
        services.GetRequiredService<LogEndpoints>().Map(app);
        services.GetRequiredService<LogStreamEndpoints>().Map(app);
        services.GetRequiredService<Health>().Map(app);
        app.MapManagementFallback();
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
