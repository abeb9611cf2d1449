using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace TokenVault.Testing;

/// <summary>Takes what a server exports by OpenTelemetry's protocol over HTTP. Texts stand in its binary form as they are.</summary>
internal sealed class TelemetryReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<(string Path, string Body)> _received = new();
    private readonly WebApplication _app;

    private TelemetryReceiver()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(KeepAsync);
    }

    /// <summary>How long it thinks before it takes something.</summary>
    public TimeSpan Delay { get; set; }

    public string Address => _app.Urls.Single();

    public string Metrics => Received("/v1/metrics");

    public string Logs => Received("/v1/logs");

    public string Traces => Received("/v1/traces");

    public static async Task<TelemetryReceiver> StartAsync()
    {
        var receiver = new TelemetryReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private string Received(string path) => string.Concat(_received.Where(r => r.Path == path).Select(r => r.Body));

    private async Task KeepAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        await Task.Delay(Delay, context.RequestAborted);
        _received.Enqueue((context.Request.Path, Encoding.Latin1.GetString(body.ToArray())));
        context.Response.ContentType = "application/x-protobuf";
    }
}
