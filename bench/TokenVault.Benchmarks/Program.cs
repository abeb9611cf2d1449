using System.Globalization;

namespace TokenVault.Benchmarks;

/// <summary>How fast the server exchanges tokens that need no refresh. The number of requests is the only argument; <c>timing</c> measures what failures tell.</summary>
internal static class Program
{
    private const int Connections = 16;
    private const int DefaultRequests = 5_000;

    private static async Task<int> Main(string[] args)
    {
        if (args is ["timing"])
        {
            await using var timed = await ExchangeScene.StartAsync();
            return await SecretTiming.RunAsync(timed, DefaultRequests) ? 0 : 1;
        }

        var requests = DefaultRequests;
        if (args.Length > 1 || (args.Length == 1 && (!int.TryParse(args[0], NumberStyles.None, CultureInfo.InvariantCulture, out requests) || requests == 0)))
        {
            await Console.Error.WriteLineAsync("usage: TokenVault.Benchmarks [requests | timing]");
            return 2;
        }

        await using var scene = await ExchangeScene.StartAsync();
        Console.WriteLine(
            $"""
            Exchange of a token that is fresh: SQLite, each with its durable audit row; HTTPS over loopback, {Connections} connections, {requests} requests
            after {requests / 2} for warming up. Server and client share one process and {Environment.ProcessorCount} processors: CPU counts both.

            | subject token | requests/s | p50 ms | p99 ms | CPU µs/request |
            |---|---:|---:|---:|---:|
            """);
        await MeasureAsync("access token", scene, scene.ByAccessToken, requests);
        await MeasureAsync("refresh token", scene, scene.ByRefreshToken, requests);
        return 0;
    }

    private static async Task MeasureAsync(string name, ExchangeScene scene, IReadOnlyDictionary<string, string> form, int requests)
    {
        await Measurement.RunAsync(() => scene.ExchangeAsync(form), Connections, requests / 2);
        var measured = await Measurement.RunAsync(() => scene.ExchangeAsync(form), Connections, requests);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {measured.PerSecond:F0} | {measured.Percentile(50):F2} | {measured.Percentile(99):F2} | {measured.CpuPerRequest.TotalMicroseconds:F0} |"));
    }
}
