using System.Text.Json.Nodes;
using OpenTelemetry.Logs;
using OpenTelemetry.Resources;
using TokenVault.Server.Audit;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.LogStreams;

/// <summary>
/// The audit log by OpenTelemetry's protocol, to the receiver of metrics and traces. It goes on where it stopped, on one node at a time; what
/// is lost between the exporter and its receiver is not known here, which is what webhooks are for.
/// </summary>
internal sealed class LogTelemetry(IStorage storage, LogView view, IConfiguration configuration, ILogger<LogTelemetry> logger) : BackgroundService
{
    private const string StateId = "otlp";
    private const string LeaseName = "log-stream otlp";
    private const int BatchSize = 200;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    /// <summary>The exporter gives a call up after ten seconds.</summary>
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(15);

    private readonly string _node = Identifier.Secret();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!TelemetryExport.IsWanted(configuration))
        {
            return;
        }

        await using var services = new ServiceCollection()
            .AddSingleton(configuration)
            .AddLogging(builder => builder.AddOpenTelemetry(options => options.SetResourceBuilder(Resource()).AddOtlpExporter()))
            .BuildServiceProvider();
        var sink = services.GetRequiredService<ILoggerFactory>().CreateLogger("TokenVault.Audit");
        var exporter = services.GetRequiredService<LoggerProvider>();
        for (var last = false; !last;)
        {
            // Once more at the end, for what was logged until then.
            last = stoppingToken.IsCancellationRequested;
            try
            {
                await ExportAsync(sink, exporter);
            }
            catch (Exception e)
            {
                Log.BackgroundWorkFailed(logger, e, "log entries to OpenTelemetry");
            }

            await Task.Delay(last ? TimeSpan.Zero : Pause, TimeProvider.System, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ExportAsync(ILogger sink, LoggerProvider exporter)
    {
        // Most looks find nothing to do, and need no lease.
        if ((await storage.ReadAuditAsync((await StateAsync()).Sequence, 1, CancellationToken.None)).Count == 0)
        {
            return;
        }

        var lease = await storage.CommitAsync(new Batch().AcquireLease(LeaseName, _node, LeaseTime));
        if (!lease.Committed)
        {
            return;
        }

        var state = await StateAsync();
        while (await storage.ReadAuditAsync(state.Sequence, BatchSize, CancellationToken.None) is { Count: > 0 } rows)
        {
            foreach (var row in rows)
            {
                Emit(sink, view.Of(row));
            }

            // The exporter drops what does not fit into its queue: a log that is long already would not.
            var sent = await FlushAsync(exporter);
            state = state with { Sequence = rows[^1].Sequence };
            if (!(await storage.CommitAsync(new Batch().RenewLease(LeaseName, lease.Fence, LeaseTime).Put(state))).Committed || !sent)
            {
                return;
            }
        }
    }

    private async ValueTask<LogStreamState> StateAsync() =>
        await storage.FindAsync<LogStreamState>(StateId, CancellationToken.None) ?? new LogStreamState { Id = StateId, Sequence = 0 };

    private static void Emit(ILogger sink, JsonObject entry)
    {
        var attributes = entry
            .Where(member => member.Key is not "_id" and not "$event_schema")
            .Select(member => KeyValuePair.Create("tokenvault.log." + member.Key, (object?)member.Value?.ToString()))
            .ToList();
        sink.Log(LogLevel.Information, new EventId(0, (string?)entry["type"]), attributes, exception: null, static (_, _) => "audit");
    }

    /// <summary>It waits for the receiver, and so on a thread of its own.</summary>
    private static Task<bool> FlushAsync(LoggerProvider exporter) => Task.Factory.StartNew(
        () => exporter.ForceFlush((int)FlushTime.TotalMilliseconds), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static ResourceBuilder Resource()
    {
        var resource = ResourceBuilder.CreateEmpty();
        TelemetryExport.Describe(resource);
        return resource;
    }
}
