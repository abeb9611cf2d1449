using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;

namespace TokenVault.Benchmarks;

/// <summary>A server on temporary data with a provider, an application, an API, and a user who has connected an account.</summary>
internal sealed class ExchangeScene : IAsyncDisposable
{
    private const string Api = "https://api.example/";
    private const string Connection = "sandbox";
    private const string Email = "ada@example.com";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tokenvault-bench-");
    private readonly string _issuer = $"https://localhost:{LoopbackHttp.FreePort()}/";
    private TokenVaultServer _server = null!;
    private SandboxProvider _provider = null!;
    private VaultApi _vault = null!;
    private string _expected = "";
    private int _strangers;
    private int _tokenRequests;

    /// <summary>The API exchanges the access token that it was called with.</summary>
    public IReadOnlyDictionary<string, string> ByAccessToken { get; private set; } = null!;

    /// <summary>The application exchanges its refresh token.</summary>
    public IReadOnlyDictionary<string, string> ByRefreshToken { get; private set; } = null!;

    public static async Task<ExchangeScene> StartAsync()
    {
        var scene = new ExchangeScene();
        scene._server = await TokenVaultServer.StartAsync([], scene.Configure);
        scene._provider = await SandboxProvider.StartAsync(
            new SandboxOptions { AcceptsRedirect = uri => uri == $"{scene._issuer}login/callback/{Connection}" }, TimeProvider.System, scene.CountAsync);
        await scene.SetUpAsync();
        return scene;
    }

    /// <exception cref="InvalidOperationException">The answer is not the connected account's token.</exception>
    public async Task ExchangeAsync(IReadOnlyDictionary<string, string> form)
    {
        var answer = await _vault.FormAsync("oauth/token", form);
        if (answer.Status != 200 || answer["access_token"] != _expected)
        {
            throw new InvalidOperationException($"An exchange answered {answer.Status} {answer["error"]}.");
        }
    }

    /// <summary>How often a token was refreshed at the provider.</summary>
    public int UpstreamRefreshes => _tokenRequests;

    /// <summary>The stored access token has ended; whoever wants one has to wait for the provider.</summary>
    public async Task EndAccessTokenAsync()
    {
        var storage = _server.Services.GetRequiredService<IStorage>();
        var tokensets = await storage.ListAsync(new ListQuery(Tokenset.Kind), CancellationToken.None);
        var row = (await storage.FindAsync<Tokenset>(tokensets.Single().Id, CancellationToken.None))!;
        await storage.CommitAsync(new Batch().Replace(row with { AccessTokenExpiresAt = TimeProvider.System.GetUtcNow() }));
    }

    /// <summary>The access token that an exchange answers with; null when it does not.</summary>
    public async Task<string?> ExchangeAsync() => (await _vault.FormAsync("oauth/token", ByRefreshToken))["access_token"];

    /// <summary>An authentication that fails, from an address that nobody else has.</summary>
    public async Task FailAsync(string clientId, string secret)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _issuer + "oauth/token")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>(ByRefreshToken) { ["client_id"] = clientId, ["client_secret"] = secret }),
        };
        var stranger = _strangers++;
        request.Headers.Add("X-Forwarded-For", $"198.{stranger >> 16 & 255}.{stranger >> 8 & 255}.{stranger & 255}");
        using var response = await _vault.Http.SendAsync(request);
        if ((int)response.StatusCode != 401)
        {
            throw new InvalidOperationException($"A wrong secret was answered with {(int)response.StatusCode}.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _vault.Dispose();
        await _server.DisposeAsync();
        await _provider.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private Task CountAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Path == "/token")
        {
            Interlocked.Increment(ref _tokenRequests);
        }

        return next(context);
    }

    private void Configure(WebApplicationBuilder builder)
    {
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["TokenVault:Issuer"] = _issuer,
            ["TokenVault:DataDirectory"] = _directory.FullName,
            ["TokenVault:Egress:AllowedNetworks:0"] = "127.0.0.0/8",
            ["TokenVault:Proxy:TrustedNetworks:0"] = "127.0.0.0/8",
            ["TokenVault:Proxy:TrustedNetworks:1"] = "::1",
        });
        builder.Logging.ClearProviders();
    }

    private async Task SetUpAsync()
    {
        var bootstrap = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_directory.FullName, "bootstrap.json")))!;
        var authority = X509Certificate2.CreateFromPem(bootstrap["ca_certificate"]!.GetValue<string>());
        _vault = new VaultApi(_issuer, authority);
        var admin = await Operator.SignInAsync(_vault, bootstrap);
        var apiClient = await admin.CreateApiAsync(Api);
        var credentials = await admin.CreateApplicationAsync("Application");
        var options = new JsonObject
        {
            ["client_id"] = _provider.Options.ClientId,
            ["client_secret"] = _provider.Options.ClientSecret,
            ["discovery_url"] = _provider.DiscoveryUrl,
            ["scope"] = "openid email offline_access calendar.read",
        };
        await admin.CreateConnectionAsync(Connection, "oidc", options, credentials, apiClient);
        var password = Identifier.Secret();
        await admin.CreateUserAsync(Email, password);

        using var browser = new Browser(authority);
        var application = new Application(_vault, credentials);
        var tokens = await application.SignInAsync(browser, Email, password, Api, "openid email offline_access read:calendar");
        var myAccount = (await application.RefreshAsync(tokens["refresh_token"]!, _issuer + "me/"))["access_token"]!;
        var (_, complete) = await application.ConnectAsync(browser, myAccount, Connection);
        await application.CompleteAsync(myAccount, complete);
        _expected = (await application.ExchangeAsync(tokens["refresh_token"]!, Wire.RefreshTokenType, Connection))["access_token"]!;
        ByRefreshToken = Form(credentials, tokens["refresh_token"]!, Wire.RefreshTokenType);
        ByAccessToken = Form(apiClient, tokens["access_token"]!, Wire.AccessTokenType);
    }

    private static Dictionary<string, string> Form(Credentials client, string subjectToken, string type) => new()
    {
        ["grant_type"] = Wire.FederatedExchange,
        ["client_id"] = client.ClientId,
        ["client_secret"] = client.ClientSecret,
        ["subject_token"] = subjectToken,
        ["subject_token_type"] = type,
        ["requested_token_type"] = Wire.FederatedAccessTokenType,
        ["connection"] = Connection,
    };
}
