using System.Net;

namespace TokenVault.Server.Demo;

/// <summary>
/// A small OAuth 2.0 and OpenID Connect provider on loopback, for trying the vault out without an account anywhere. It is a web
/// application of its own; the server proper knows nothing of it.
/// </summary>
internal sealed class SandboxProvider : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SandboxProvider(WebApplication app, SandboxOptions options, SandboxEngine engine, SandboxKey key)
    {
        _app = app;
        Options = options;
        Engine = engine;
        Key = key;
        Issuer = app.Urls.Single();
    }

    public SandboxOptions Options { get; }

    public SandboxEngine Engine { get; }

    public SandboxKey Key { get; }

    /// <summary>Its address and issuer: scheme, host and port, without a slash at the end.</summary>
    public string Issuer { get; }

    public string AuthorizationUrl => Issuer + "/authorize";

    public string TokenUrl => Issuer + "/token";

    public string UserInfoUrl => Issuer + "/userinfo";

    public string RevocationUrl => Issuer + "/revoke";

    public string DiscoveryUrl => Issuer + "/.well-known/openid-configuration";

    /// <summary>An API that takes the sandbox's access tokens.</summary>
    public string CalendarUrl => Issuer + "/api/calendar";

    /// <param name="around">Stands before every endpoint, if given.</param>
    public static async Task<SandboxProvider> StartAsync(
        SandboxOptions options, TimeProvider time, Func<HttpContext, RequestDelegate, Task>? around = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Port, listen =>
            {
                if (options.Certificate is not null)
                {
                    listen.UseHttps(options.Certificate);
                }
            });
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(5));

        var app = builder.Build();
        var engine = new SandboxEngine(options, time);
        var key = new SandboxKey(options.NewKey);
        if (around is not null)
        {
            app.Use(next => context => around(context, next));
        }

        app.UseRouting();
        new SandboxEndpoints(options, engine, key, time).Map(app);
        app.UseEndpoints(_ => { });
        await app.StartAsync();
        return new SandboxProvider(app, options, engine, key);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        Key.Dispose();
    }
}
