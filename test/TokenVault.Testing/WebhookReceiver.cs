using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace TokenVault.Testing;

/// <summary>A delivery as it arrived.</summary>
internal sealed record WebhookDelivery(string Body, IHeaderDictionary Headers);

/// <summary>Takes the deliveries of a log stream, or misbehaves.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<WebhookDelivery> _accepted = new();
    private readonly WebApplication _app;
    private int _calls;

    private WebhookReceiver()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public string Address => _app.Urls.Single() + "/hook";

    public int Calls => Volatile.Read(ref _calls);

    public IReadOnlyList<WebhookDelivery> Accepted => [.. _accepted];

    /// <summary>What every request is answered; 0: it hangs until the caller gives up.</summary>
    public int Status { get; set; } = 204;

    /// <summary>Bytes of the body that a delivery is answered with.</summary>
    public int AnswerLength { get; set; }

    public static async Task<WebhookReceiver> StartAsync()
    {
        var receiver = new WebhookReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        Interlocked.Increment(ref _calls);
        if (Status == 0)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        context.Response.StatusCode = Status;
        if (Status < 300)
        {
            _accepted.Enqueue(new WebhookDelivery(body, new HeaderDictionary(context.Request.Headers.ToDictionary(h => h.Key, h => h.Value))));
        }

        await context.Response.Body.WriteAsync(new byte[AnswerLength], context.RequestAborted);
    }
}
