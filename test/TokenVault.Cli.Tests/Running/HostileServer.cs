using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TokenVault.Cli.Tests.Running;

/// <summary>A server that the tool can log in at, and whose every text is an attack on the terminal and the shell (T-CL-03).</summary>
internal sealed class HostileServer : IAsyncDisposable
{
    public const string Evil = "\u001b]0;pwned\u0007\u001b[2J\u009b31m\u202Eevil\r\n\u001b[1;31m$(touch pwned)'`touch pwned`";

    private readonly WebApplication _app;

    private HostileServer(WebApplication app, X509Certificate2 certificate)
    {
        _app = app;
        Authority = certificate.ExportCertificatePem();
    }

    public string Authority { get; }

    public string Domain => new Uri(_app.Urls.First()).Authority.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);

    public static async Task<HostileServer> StartAsync()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var server = new HostileServer(builder.Build(), certificate);
        server._app.Run(context => context.Response.WriteAsync(server.Answer(context.Request).ToJsonString()));
        await server._app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private JsonObject Answer(HttpRequest request) => request.Path.Value switch
    {
        "/.well-known/openid-configuration" => new JsonObject { ["issuer"] = $"https://{Domain}/", ["token_endpoint"] = Evil },
        "/oauth/token" => new JsonObject { ["access_token"] = "a-token", ["expires_in"] = 3600, ["scope"] = Evil },
        "/api/v2/clients" => List("clients", new JsonObject { ["client_id"] = Evil, ["name"] = Evil, ["app_type"] = "regular_web" }),
        "/api/v2/connections" => List("connections", new JsonObject { ["id"] = Evil, ["name"] = Evil, ["strategy"] = Evil, ["options"] = new JsonObject() }),
        "/api/v2/resource-servers" => List("resource_servers", new JsonObject { ["id"] = Evil, ["identifier"] = $"https://{Domain}/me/", ["name"] = Evil }),
        _ => new JsonObject { ["statusCode"] = 400, ["message"] = Evil, ["client_id"] = Evil, ["client_secret"] = Evil },
    };

    private static JsonObject List(string member, JsonObject item) => new() { [member] = new JsonArray(item) };
}
