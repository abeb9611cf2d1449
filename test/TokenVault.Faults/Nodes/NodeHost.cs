using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TokenVault.Server;

namespace TokenVault.Faults.Nodes;

/// <summary>
/// A process that is one node: the real server with a fast clock and faults at its store. It takes orders from its input and ends
/// when that ends, so that no node outlives the harness.
/// </summary>
internal static class NodeHost
{
    /// <summary>The first argument that makes the harness this process; then factor and origin of the clock, then settings, name=value.</summary>
    public const string Verb = "node";

    public static async Task<int> RunAsync(string[] args)
    {
        var clock = FastClock.Parse(args[0], args[1]);
        var settings = args[2..].Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => (string?)pair[1]);
        var output = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
        FaultyStorage? storage = null;
        try
        {
            var server = await TokenVaultServer.StartAsync(
                [], builder => Configure(builder, settings, clock), inner => storage = new FaultyStorage(inner, clock, output.WriteLine));
            new Thread(() => WatchForStalls(clock, output.WriteLine)) { IsBackground = true }.Start();
            output.WriteLine("ready");
            while (await Console.In.ReadLineAsync() is { } order)
            {
                Obey(order, storage!);
            }

            // At once, whatever it is doing: a graceful stop may wait for a database that will not return.
            GC.KeepAlive(server);
            Signals.Kill(Environment.ProcessId);
            return 0;
        }
        catch (StartupException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }

    private static void Configure(WebApplicationBuilder builder, Dictionary<string, string?> settings, FastClock clock)
    {
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(line => line.SingleLine = true);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    /// <summary>Tells when this process did not run for half a lease: what follows is as after a pause.</summary>
    private static void WatchForStalls(FastClock clock, Action<string> tell)
    {
        using var never = new ManualResetEvent(initialState: false);
        var longest = clock.Shorter(TimeSpan.FromSeconds(15));
        for (var last = TimeProvider.System.GetTimestamp(); ; last = TimeProvider.System.GetTimestamp())
        {
            never.WaitOne(longest / 10);
            var now = TimeProvider.System.GetTimestamp();
            if (TimeProvider.System.GetElapsedTime(last, now) > longest)
            {
                tell(string.Create(CultureInfo.InvariantCulture, $"stalled {last} {now}"));
            }
        }
    }

    /// <summary>arm POINT ACT, or go</summary>
    private static void Obey(string order, FaultyStorage storage)
    {
        switch (order.Split(' '))
        {
            case ["arm", var point, var act]:
                storage.Arm(Enum.Parse<FaultPoint>(point), Enum.Parse<FaultAct>(act));
                break;
            case ["go"]:
                storage.Go();
                break;
            default:
                throw new InvalidOperationException($"No such order: {order}");
        }
    }
}
