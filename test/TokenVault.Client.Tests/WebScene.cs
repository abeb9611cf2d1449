using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TokenVault.Client.AspNetCore;
using TokenVault.Testing;

namespace TokenVault.Client.Tests;

/// <summary>A web application that signs its users in by a link, keeps their tokens in the session cookie, and lets them connect.</summary>
internal sealed class WebScene(WebApplication application, TestLog log) : IAsyncDisposable
{
    public TestLog Log { get; } = log;

    public IServiceProvider Services => application.Services;

    /// <param name="services">What the application has besides.</param>
    /// <param name="map">Its further endpoints.</param>
    public static async Task<WebScene> StartAsync(
        ClientScene scene, Action<TokenVaultConnectOptions>? configure = null, Action<IServiceCollection>? services = null, Action<WebApplication>? map = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var log = new TestLog();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Trace);
        builder.WebHost.UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel => kestrel.ListenLocalhost(scene.WebPort, listen => listen.UseHttps(scene.ServerCertificate())));
        builder.Services.AddSingleton<TimeProvider>(scene.Clock);
        builder.Services.AddAuthentication("cookie").AddCookie("cookie", options => options.Cookie.Name = "session");
        builder.Services.AddAuthorization();
        builder.Services.AddTokenVault(options =>
        {
            var ours = scene.Options();
            (options.Issuer, options.ClientId, options.ClientSecret, options.TrustedAuthority) = (ours.Issuer, ours.ClientId, ours.ClientSecret, ours.TrustedAuthority);
        });
        builder.Services.AddTokenVaultConnect(configure);
        builder.Services.AddHttpClient("calendar").AddTokenVaultConnection(ClientScene.Calendar, ClientScene.Read);
        services?.Invoke(builder.Services);
        var application = builder.Build();
        application.UseAuthentication();
        application.UseAuthorization();
        application.MapGet("/sign-in", SignInAsync);
        application.MapGet("/calendar", (RequestDelegate)(async context =>
        {
            var http = context.RequestServices.GetRequiredService<IHttpClientFactory>().CreateClient("calendar");
            await context.Response.WriteAsync(await http.GetStringAsync(new Uri(scene.Provider.Issuer + "/api/calendar")));
        })).RequireAuthorization();
        application.MapGet("/", () => "home");
        application.MapTokenVaultConnect();
        map?.Invoke(application);
        await application.StartAsync();
        return new WebScene(application, log);
    }

    public async ValueTask DisposeAsync() => await application.DisposeAsync();

    private static Task SignInAsync(HttpContext context, string user, string token)
    {
        var properties = new AuthenticationProperties();
        properties.StoreTokens([new AuthenticationToken { Name = "refresh_token", Value = token }]);
        return context.SignInAsync("cookie", new ClaimsPrincipal(new ClaimsIdentity([new Claim("sub", user)], "cookie")), properties);
    }
}
