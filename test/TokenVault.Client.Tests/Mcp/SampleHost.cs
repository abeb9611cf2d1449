using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using TokenVault.Samples.McpServer;
using TokenVault.Server.Demo;
using TokenVault.Testing;
using ServerWire = TokenVault.Server.Protocol.Wire;

namespace TokenVault.Client.Tests.Mcp;

/// <summary>The sample, as an operator would set it up.</summary>
internal sealed class SampleHost : IAsyncDisposable
{
    private readonly ClientScene _scene;
    private readonly WebApplication _app;

    private SampleHost(ClientScene scene, WebApplication app, TestLog log, string origin) => (_scene, _app, Log, Origin) = (scene, app, log, origin);

    public TestLog Log { get; }

    public string Origin { get; }

    /// <summary>All that its clients were told.</summary>
    public ConcurrentQueue<string> Told { get; } = new();

    public static async Task<SampleHost> StartAsync(ClientScene scene)
    {
        var port = LoopbackHttp.FreePort();
        var origin = $"https://localhost:{port}";
        var api = await scene.Admin.CreateApiAsync(origin + "/mcp");
        var web = await scene.Admin.CreateApplicationAsync("MCP server", new JsonObject
        {
            ["callbacks"] = new JsonArray(origin + "/signed-in", origin + "/connect/callback"),
            ["grant_types"] = new JsonArray(ServerWire.AuthorizationCode, ServerWire.RefreshToken),
        });
        await scene.EnableAsync(api.ClientId);
        await scene.EnableAsync(web.ClientId);
        var log = new TestLog();
        var authority = Path.Combine(scene.Vault.DataDirectory, "tls", "ca.pem");
        var app = CalendarServer.Build([], builder =>
        {
            builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Debug);
            builder.Services.AddSingleton<TimeProvider>(scene.Clock);
            builder.WebHost.UseKestrelHttpsConfiguration()
                .ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port, listen => listen.UseHttps(scene.ServerCertificate())));
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["TOKENVAULT_ISSUER"] = scene.Vault.Issuer,
                ["TOKENVAULT_CA_FILE"] = authority,
                ["WEBAPP_URL"] = origin,
                ["TOKENVAULT_CLIENT_ID"] = web.ClientId,
                ["TOKENVAULT_CLIENT_SECRET"] = web.ClientSecret,
                ["MCP_CLIENT_ID"] = api.ClientId,
                ["MCP_CLIENT_SECRET"] = api.ClientSecret,
                ["TOKENVAULT_CONNECTION"] = ClientScene.Calendar,
                ["CALENDAR_URL"] = scene.Provider.Issuer + "/api/calendar",
            });
        });
        await app.StartAsync();
        return new SampleHost(scene, app, log, origin);
    }

    public async Task<string> TokenAsync(ClientUser user)
    {
        var answer = await _scene.App.SignInAsync(user.Browser, user.Email, user.Password, Origin + "/mcp", "openid read:calendar");
        answer.Status.ShouldBe(200, answer.Text);
        return answer["access_token"]!;
    }

    /// <param name="show">What the user does with the address; null: the client shows none.</param>
    public async Task<McpClient> ClientAsync(ClientUser user, Func<ElicitRequestParams, Task<string>>? show = null, string? revision = null)
    {
        var transport = new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Endpoint = new Uri(Origin + "/mcp"),
                TransportMode = HttpTransportMode.StreamableHttp,
                AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = "Bearer " + await TokenAsync(user) },
            },
            new HttpClient(new Listening(this) { InnerHandler = Wire.Handlers.Create(_scene.Options()) }),
            ownsHttpClient: true);
        return await McpClient.CreateAsync(transport, Options(show, revision));
    }

    public static McpClientOptions Options(Func<ElicitRequestParams, Task<string>>? show, string? revision = null) => new()
    {
        ProtocolVersion = revision,
        Capabilities = show is null ? null : new ClientCapabilities { Elicitation = new ElicitationCapability { Url = new UrlElicitationCapability() } },
        Handlers = new McpClientHandlers
        {
            ElicitationHandler = show is null ? null : async (elicitation, _) => new ElicitResult { Action = await show(elicitation!) },
        },
    };

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private sealed class Listening(SampleHost host) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            await response.Content.LoadIntoBufferAsync(cancellationToken);
            host.Told.Enqueue(await response.Content.ReadAsStringAsync(cancellationToken));
            return response;
        }
    }
}
