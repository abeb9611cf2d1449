using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace TokenVault.Server.Diagnostics;

/// <summary>Metrics and traces by OpenTelemetry's protocol, where its usual settings (<c>OTEL_…</c>) name a receiver. Disposing sends what is left.</summary>
internal sealed class TelemetryExport(IConfiguration configuration) : IHostedService, IDisposable
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static readonly string[] Meters =
        [Telemetry.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Runtime"];

    private MeterProvider? _meters;
    private TracerProvider? _traces;

    /// <exception cref="StartupException">The receiver's address is no URL.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!IsWanted(configuration))
        {
            return Task.CompletedTask;
        }

        if (!Uri.TryCreate(configuration[Endpoint], UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new StartupException($"{Endpoint} must be an http or https URL.");
        }

        // Without it, the framework's spans say nothing of the request. What they must not say, TraceTags takes out.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
        _meters = Sdk.CreateMeterProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(configuration))
            .ConfigureResource(Describe)
            .AddMeter(Meters)
            .AddOtlpExporter()
            .Build();
        _traces = Sdk.CreateTracerProviderBuilder()
            .ConfigureServices(services => services.AddSingleton(configuration))
            .ConfigureResource(Describe)
            .AddSource(Telemetry.Name, "Microsoft.AspNetCore")
            .AddProcessor(new TraceTags())
            .AddOtlpExporter()
            .Build();
        return Task.CompletedTask;
    }

    /// <summary>The framework's spans lack what came of the request, and by which route.</summary>
    public static void UseFor(WebApplication app)
    {
        if (!IsWanted(app.Configuration))
        {
            return;
        }

        app.Use(async (context, next) =>
        {
            await next(context);
            if (context.Features.Get<IHttpActivityFeature>()?.Activity is { } activity)
            {
                var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
                activity.DisplayName = $"{activity.GetTagItem("http.request.method")} {route}".TrimEnd();
                activity.SetTag("http.route", route).SetTag("http.response.status_code", context.Response.StatusCode);
            }
        });
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _traces?.Dispose();
        _meters?.Dispose();
    }

    public static bool IsWanted(IConfiguration configuration) => !string.IsNullOrEmpty(configuration[Endpoint]);

    /// <summary>The operator's names, by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, go before ours.</summary>
    public static void Describe(ResourceBuilder resource) =>
        resource.Clear().AddService("tokenvault").AddTelemetrySdk().AddEnvironmentVariableDetector();
}
