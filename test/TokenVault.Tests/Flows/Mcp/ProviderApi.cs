using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace TokenVault.Tests.Flows.Mcp;

/// <summary>A request as a provider's API got it.</summary>
internal sealed record ApiCall(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>A provider's API, which says back what it was sent, and misbehaves at some paths.</summary>
internal sealed class ProviderApi : IAsyncDisposable
{
    private readonly ConcurrentQueue<ApiCall> _calls = new();
    private readonly WebApplication _app;

    private ProviderApi()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public string Origin => _app.Urls.Single();

    public IReadOnlyList<ApiCall> Calls => [.. _calls];

    public static async Task<ProviderApi> StartAsync()
    {
        var api = new ProviderApi();
        await api._app.StartAsync();
        return api;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        _calls.Enqueue(new ApiCall(context.Request.Method, context.Request.Path + context.Request.QueryString.Value, headers, body));
        switch (context.Request.Path.Value)
        {
            case "/v1/away":
                context.Response.Redirect("https://elsewhere.example/steal");
                return;
            case "/v1/much":
                await context.Response.WriteAsync(new string('x', 100_000));
                return;
            case "/v1/picture":
                context.Response.ContentType = "image/png";
                await context.Response.Body.WriteAsync(Encoding.ASCII.GetBytes(headers["Authorization"]));
                return;
            case "/v1/utf-16" or "/v1/utf-32":
                context.Response.ContentType = "text/plain; charset=" + context.Request.Path.Value[4..];
                await context.Response.Body.WriteAsync(Encoding.GetEncoding(context.Request.Path.Value[4..]).GetBytes(headers["Authorization"]));
                return;
            case "/v1/as-type":
                context.Response.ContentType = "text/" + headers["Authorization"]["Bearer ".Length..];
                await context.Response.WriteAsync("x");
                return;
            case "/v1/no":
                (context.Response.StatusCode, context.Response.ContentType) = (401, "text/plain");
                await context.Response.WriteAsync("no");
                return;
            default:
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync($$"""{"you":"{{headers["Authorization"]}}","escaped":"{{Uri.EscapeDataString(headers["Authorization"])}}"}""");
                return;
        }
    }
}
