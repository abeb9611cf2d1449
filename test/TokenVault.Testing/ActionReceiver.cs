using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace TokenVault.Testing;

/// <summary>A call of an action as it arrived.</summary>
internal sealed record ActionAsked(string Name, string Body, IHeaderDictionary Headers)
{
    public JsonNode Json { get; } = JsonNode.Parse(Body)!;

    public JsonNode Event => Json["event"]!;
}

/// <param name="Status">0: it hangs until the caller gives up.</param>
internal sealed record ActionReply(int Status, string Body, string ContentType = "application/json")
{
    public static ActionReply Hanging { get; } = new(0, "");

    /// <summary>Where a redirect leads.</summary>
    public string? Location { get; init; }

    public static ActionReply Commands(params IEnumerable<string> commands) => new(200, $$"""{"commands":[{{string.Join(',', commands)}}]}""");
}

/// <summary>The web service of an operator's actions: each by its name in the path, and as each test says.</summary>
internal sealed class ActionReceiver : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Func<ActionAsked, ActionReply>> _answers = new();
    private readonly ConcurrentQueue<ActionAsked> _asked = new();
    private readonly WebApplication _app;

    private ActionReceiver()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public IReadOnlyList<ActionAsked> Asked => [.. _asked];

    public static async Task<ActionReceiver> StartAsync()
    {
        var receiver = new ActionReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    public string Address(string name) => $"{_app.Urls.Single()}/{name}";

    public void Answer(string name, Func<ActionAsked, ActionReply> answer) => _answers[name] = answer;

    public IReadOnlyList<ActionAsked> AskedOf(string name) => [.. _asked.Where(asked => asked.Name == name)];

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        var headers = new HeaderDictionary(context.Request.Headers.ToDictionary(h => h.Key, h => h.Value));
        var asked = new ActionAsked(context.Request.Path.Value!.TrimStart('/'), body, headers);
        _asked.Enqueue(asked);
        var reply = _answers[asked.Name](asked);
        if (reply.Status == 0)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        context.Response.StatusCode = reply.Status;
        context.Response.ContentType = reply.ContentType;
        if (reply.Location is not null)
        {
            context.Response.Headers.Location = reply.Location;
        }

        await context.Response.WriteAsync(reply.Body, context.RequestAborted);
    }
}
