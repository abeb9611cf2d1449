using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TokenVault.Cli.Tests.Running;

/// <summary>Something that speaks TLS, calls itself a server of the vault, and answers what the test says.</summary>
internal sealed class StubServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Action<JsonObject>? _change;

    private StubServer(WebApplication app, X509Certificate2 certificate, Action<JsonObject>? change)
    {
        _app = app;
        _change = change;
        Authority = certificate.ExportCertificatePem();
    }

    public string Authority { get; }

    public string Domain => new Uri(_app.Urls.First()).Authority.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);

    /// <param name="days">That its certificate is still good for.</param>
    /// <param name="ahead">How far its clock is ahead.</param>
    /// <param name="change">Of its metadata.</param>
    public static async Task<StubServer> StartAsync(
        Func<HttpRequest, (int Status, JsonNode Body)> answer, int days = 100, TimeSpan ahead = default, Action<JsonObject>? change = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(days).AddHours(1));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var server = new StubServer(builder.Build(), certificate, change);
        server._app.Run(context =>
        {
            var (status, body) = context.Request.Path == "/.well-known/openid-configuration" ? (200, server.Metadata()) : answer(context.Request);
            context.Response.Headers.Date = (TimeProvider.System.GetUtcNow() + ahead).ToString("R", CultureInfo.InvariantCulture);
            context.Response.StatusCode = status;
            return context.Response.WriteAsync(body.ToJsonString());
        });
        await server._app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private JsonObject Metadata()
    {
        var metadata = new JsonObject
        {
            ["issuer"] = $"https://{Domain}/",
            ["token_endpoint"] = $"https://{Domain}/oauth/token",
            ["device_authorization_endpoint"] = $"https://{Domain}/oauth/device/code",
        };
        _change?.Invoke(metadata);
        return metadata;
    }
}
