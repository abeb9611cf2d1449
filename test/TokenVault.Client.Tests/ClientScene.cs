using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using TokenVault.Client.Wire;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using ServerWire = TokenVault.Server.Protocol.Wire;

namespace TokenVault.Client.Tests;

/// <summary>One server, one provider and their clients, for all tests of the SDK; each test brings its own user.</summary>
public sealed class ClientScene : IAsyncLifetime
{
    internal const string Calendar = "calendar";
    internal const string Api = "https://calendar-api.example/";
    internal const string Read = "calendar.read";

    private readonly int _mtlsPort = LoopbackHttp.FreePort();
    private readonly List<TokenVaultClient> _clients = [];

    internal TestVault Vault { get; private set; } = null!;

    internal FakeProvider Provider { get; private set; } = null!;

    internal Operator Admin { get; private set; } = null!;

    /// <summary>A web application that exchanges its refresh tokens.</summary>
    internal Application App { get; private set; } = null!;

    internal Credentials ApiClient { get; private set; } = null!;

    /// <summary>Of <see cref="App"/>, with its secret.</summary>
    internal TokenVaultClient Client { get; private set; } = null!;

    /// <summary>Where web applications of these tests listen; known to <see cref="App"/>.</summary>
    internal int WebPort { get; } = LoopbackHttp.FreePort();

    internal string WebOrigin => $"https://localhost:{WebPort}";

    internal VaultClock Clock => Vault.Clock;

    public async Task InitializeAsync()
    {
        Vault = await TestVault.StartAsync(new Dictionary<string, string?>
        {
            ["TokenVault:Mtls:Port"] = _mtlsPort.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["TokenVault:Approvals:RequestsPerMinute"] = "0",
            ["TokenVault:Mtls:Alias"] = $"https://localhost:{_mtlsPort}/",
        });
        Provider = await FakeProvider.StartAsync(time: Vault.Clock);
        Admin = await Operator.SignInAsync(Vault.Api, Vault.Bootstrap);
        ApiClient = await Admin.CreateApiAsync(Api);
        App = new Application(Vault.Api, await NewApplicationAsync());
        await Admin.CreateConnectionAsync(Calendar, "oidc", Provider.OidcOptions("openid", "email", "offline_access", Read), [App.Credentials, ApiClient]);
        Client = NewClient(Options());
    }

    public async Task DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        await Vault.DisposeAsync();
        await Provider.DisposeAsync();
    }

    internal Task<Credentials> NewApplicationAsync(JsonObject? more = null)
    {
        var body = more ?? [];
        body["grant_types"] = new JsonArray(ServerWire.AuthorizationCode, ServerWire.RefreshToken, ServerWire.FederatedExchange, ServerWire.Ciba);
        body["callbacks"] = new JsonArray(Operator.Callback, WebOrigin + "/connect/callback");
        return Admin.CreateApplicationAsync("Application", body);
    }

    /// <summary>Of the application, unless they are changed.</summary>
    internal TokenVaultOptions Options(Action<TokenVaultOptions>? change = null)
    {
        var options = new TokenVaultOptions
        {
            Issuer = Vault.Issuer,
            ClientId = App.Credentials.ClientId,
            ClientSecret = App.Credentials.ClientSecret,
            TrustedAuthority = Vault.Api.Trusted,
        };
        change?.Invoke(options);
        return options;
    }

    /// <summary>A client in the server's time, or that of a clock of its own.</summary>
    internal TokenVaultClient NewClient(TokenVaultOptions options, TimeProvider? time = null, DelegatingHandler? between = null)
    {
        HttpMessageHandler handler = new ServerDate(Clock) { InnerHandler = Handlers.Create(options) };
        if (between is not null)
        {
            between.InnerHandler = handler;
            handler = between;
        }

        var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        var client = new TokenVaultClient(options, () => http, time ?? Clock);
        _clients.Add(client);
        return client;
    }

    internal async Task<ClientUser> NewUserAsync(Application? application = null)
    {
        var email = Identifier.ConnectedAccount().ToLowerInvariant() + "@example.com";
        var password = Identifier.Secret();
        var id = await Admin.CreateUserAsync(email, password);
        var browser = Vault.NewBrowser();
        var answer = await (application ?? App).SignInAsync(browser, email, password, Api, "openid profile email offline_access read:calendar");
        answer.Status.ShouldBe(200, answer.Text);
        return new ClientUser(this, id, email, password, browser) { RefreshToken = answer["refresh_token"]!, AccessToken = answer["access_token"]! };
    }

    internal async Task<ClientUser> ConnectedUserAsync(string? person = null)
    {
        var user = await NewUserAsync();
        await user.ConnectAsync(Client, person);
        return user;
    }

    /// <summary>A machine that may act for users who are not present, and its options.</summary>
    internal async Task<TokenVaultOptions> NewWorkerAsync(SigningKey? authentication = null, SigningKey? subjects = null)
    {
        var (ours, theirs) = (ECDsa.Create(ECCurve.NamedCurves.nistP256), ECDsa.Create(ECCurve.NamedCurves.nistP256));
        var client = await Admin.CreateAsync("clients", new JsonObject
        {
            ["name"] = "Worker",
            ["app_type"] = "non_interactive",
            ["grant_types"] = new JsonArray(ServerWire.FederatedExchange),
            ["client_authentication_methods"] = ByKey(ours, "ES256"),
            ["token_vault_privileged_access"] = new JsonObject { ["credentials"] = new JsonArray(Credential(theirs, "ES256")) },
        });
        await EnableAsync((string)client["client_id"]!);
        return Options(options =>
        {
            options.ClientId = (string)client["client_id"]!;
            options.ClientSecret = null;
            options.Authentication = ClientAuthentication.PrivateKey(authentication ?? SigningKey.From(ours));
            options.WorkerKey = subjects ?? SigningKey.From(theirs);
        });
    }

    internal async Task EnableAsync(string clientId)
    {
        var id = (string)(await Admin.GetAsync("connections?name=" + Calendar)).Json[0]!["id"]!;
        var enabled = new JsonArray(new JsonObject { ["client_id"] = clientId, ["status"] = true });
        (await Admin.PatchAsync($"connections/{id}/clients", enabled)).Status.ShouldBe(204);
    }

    internal static JsonObject ByKey(AsymmetricAlgorithm key, string algorithm) =>
        new() { ["private_key_jwt"] = new JsonObject { ["credentials"] = new JsonArray(Credential(key, algorithm)) } };

    internal static JsonObject Credential(AsymmetricAlgorithm key, string algorithm) => new()
    {
        ["name"] = "A key",
        ["credential_type"] = "public_key",
        ["pem"] = key.ExportSubjectPublicKeyInfoPem(),
        ["alg"] = algorithm,
    };

    internal X509Certificate2 ServerCertificate()
    {
        var tls = Path.Combine(Vault.DataDirectory, "tls");
        using var pem = X509Certificate2.CreateFromPemFile(Path.Combine(tls, "server.pem"), Path.Combine(tls, "server.key"));
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null);
    }

    /// <summary>Kestrel's header has the system's time; the server under test lives in another.</summary>
    private sealed class ServerDate(TimeProvider time) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            response.Headers.Date = time.GetUtcNow();
            return response;
        }
    }
}
