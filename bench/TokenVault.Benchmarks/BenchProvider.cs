using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Server.Protocol;

namespace TokenVault.Benchmarks;

/// <summary>
/// A provider's token endpoint inside the benchmark's process, whose CPU is not the server's: it answers every refresh at once with a new
/// access token and a new refresh token, and takes each refresh token once only.
/// </summary>
internal sealed class BenchProvider : IAsyncDisposable
{
    public const string TokenPrefix = BenchStore.TokenPrefix + "refreshed-";

    private const string RefreshPrefix = "bench-refresh-";
    private const int Lifetime = 20 * 24 * 3600;

    private readonly ConcurrentDictionary<string, bool> _used = new(StringComparer.Ordinal);
    private readonly WebApplication _app;
    private long _refused;

    private BenchProvider(WebApplication app) => _app = app;

    public static string TokenUrl(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/token");

    /// <summary>Refreshes that were answered.</summary>
    public long Refreshes => _used.Count;

    /// <summary>Refresh tokens that it does not know, or has seen before.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>One that it takes, as long as providers' are.</summary>
    public static string NewRefreshToken() => RefreshPrefix + string.Concat(Enumerable.Repeat(Identifier.Secret(), 10));

    public static async Task<BenchProvider> StartAsync(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        var provider = new BenchProvider(app);
        app.Run(provider.AnswerAsync);
        await app.StartAsync();
        return provider;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var form = await new FormPipeReader(context.Request.BodyReader).ReadFormAsync(context.RequestAborted);
        var refreshToken = form[Wire.RefreshToken].ToString();
        context.Response.ContentType = "application/json";
        if (!refreshToken.StartsWith(RefreshPrefix, StringComparison.Ordinal) || !_used.TryAdd(refreshToken, true))
        {
            Interlocked.Increment(ref _refused);
            context.Response.StatusCode = 400;
            await context.Response.WriteAsync("""{"error":"invalid_grant"}""", context.RequestAborted);
            return;
        }

        var accessToken = TokenPrefix + string.Concat(Enumerable.Repeat(Identifier.Secret(), 36));
        await context.Response.WriteAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"access_token":"{{accessToken}}","refresh_token":"{{NewRefreshToken()}}","token_type":"Bearer","expires_in":{{Lifetime}}}"""),
            context.RequestAborted);
    }
}
