using System.Diagnostics;

namespace TokenVault.Benchmarks;

/// <summary>What a number of equal requests took.</summary>
/// <param name="Latencies">In milliseconds, ascending.</param>
internal sealed record Measurement(TimeSpan Elapsed, TimeSpan Cpu, IReadOnlyList<double> Latencies)
{
    public double PerSecond => Latencies.Count / Elapsed.TotalSeconds;

    public TimeSpan CpuPerRequest => Cpu / Latencies.Count;

    public double Percentile(int percent) => Latencies[Math.Max(0, (int)Math.Ceiling(Latencies.Count * percent / 100d) - 1)];

    /// <summary>Closed loop: each of <paramref name="workers"/> sends its next request when its last is answered. The first failure ends it.</summary>
    public static async Task<Measurement> RunAsync(Func<Task> request, int workers, int requests)
    {
        var latencies = new double[requests];
        var next = -1;
        var cpu = Environment.CpuUsage.TotalTime;
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(async () =>
        {
            int mine;
            while ((mine = Interlocked.Increment(ref next)) < requests)
            {
                var sent = Stopwatch.GetTimestamp();
                await request();
                latencies[mine] = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
            }
        })));
        var elapsed = Stopwatch.GetElapsedTime(start);
        var used = Environment.CpuUsage.TotalTime - cpu;
        Array.Sort(latencies);
        return new Measurement(elapsed, used, latencies);
    }
}
