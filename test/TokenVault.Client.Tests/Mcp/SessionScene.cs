using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using TokenVault.Client.Agents;
using TokenVault.Client.Mcp;

namespace TokenVault.Client.Tests.Mcp;

/// <summary>A user's session with an MCP server, over pipes: what revisions before 2026-07-28 have.</summary>
internal sealed class SessionScene : IAsyncDisposable
{
    private readonly WebScene _web;
    private readonly CancellationTokenSource _stop = new();
    private readonly Pipe _up = new();
    private readonly Pipe _down = new();
    private Task _running = Task.CompletedTask;

    private SessionScene(WebScene web) => _web = web;

    public McpClient Client { get; private set; } = null!;

    /// <summary>Elicitations of which the client was told that they are over.</summary>
    public ConcurrentQueue<string> Completed { get; } = new();

    public WebScene Web => _web;

    public static async Task<SessionScene> StartAsync(
        ClientScene scene, ClientUser user, Func<ElicitRequestParams, Task<string>>? show, Action<TokenVaultMcpOptions>? configure = null, Delegate? tool = null)
    {
        var web = await WebScene.StartAsync(scene, options => options.Origin = scene.WebOrigin, services => services.AddTokenVaultMcp(configure), app => app.MapTokenVaultMcp());
        var session = new SessionScene(web);
        var options = new ToolOptions { User = new Fixed(user.Subject) };
        var made = McpServerTool.Create(tool ?? (() => "as " + ToolToken.Current.Connection), new McpServerToolCreateOptions { Name = "tool" });

        // Who it is that the pipe belongs to.
        web.Services.GetRequiredService<IHttpContextAccessor>().HttpContext =
            new DefaultHttpContext { User = new ClaimsPrincipal(new ClaimsIdentity([new Claim("sub", user.Id)], "test")) };
        var server = McpServer.Create(
            new StreamServerTransport(session._up.Reader.AsStream(), session._down.Writer.AsStream()),
            new McpServerOptions { ToolCollection = [made.WithTokenVault(options, ClientScene.Calendar, ClientScene.Read)] },
            serviceProvider: web.Services);
        session._running = server.RunAsync(session._stop.Token);
        var client = SampleHost.Options(show, "2025-11-25");
        client.Handlers.NotificationHandlers =
        [
            new(NotificationMethods.ElicitationCompleteNotification, (notification, _) =>
            {
                session.Completed.Enqueue((string)notification.Params!["elicitationId"]!);
                return ValueTask.CompletedTask;
            }),
        ];
        session.Client = await McpClient.CreateAsync(new StreamClientTransport(session._up.Writer.AsStream(), session._down.Reader.AsStream()), client);
        return session;
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _web.DisposeAsync();
        _stop.Dispose();
    }

    private sealed class Fixed(SubjectToken subject) : ISubjectTokenSource
    {
        public ValueTask<SubjectToken?> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult<SubjectToken?>(subject);
    }
}
