using System.Diagnostics;
using System.Globalization;

namespace TokenVault.Benchmarks;

/// <summary>What one run of the load generator saw.</summary>
/// <param name="Answered">Requests that were answered.</param>
/// <param name="Wrong">Answers that were no 200 with one of the stored tokens in it, and connections that broke.</param>
/// <param name="Latencies">In milliseconds: how long every thousandth of the answers took at the most, ascending.</param>
internal sealed record Load(long Answered, long Wrong, TimeSpan Elapsed, IReadOnlyList<double> Latencies)
{
    public double PerSecond => Answered / Elapsed.TotalSeconds;

    public double P50 => Latencies[(Latencies.Count / 2) - 1];

    public double P99 => Latencies[(Latencies.Count * 99 / 100) - 1];

    /// <summary>Of the parts together: the percentiles of all their answers.</summary>
    public static Load Of(IReadOnlyList<Load> parts)
    {
        var answered = parts.Sum(part => part.Answered);
        var pooled = new List<double>();
        var passed = 0.0;
        foreach (var (latency, weight) in parts.SelectMany(part => part.Latencies.Select(latency => (latency, part.Answered))).OrderBy(one => one.latency))
        {
            passed += weight / (double)answered;
            while (pooled.Count + 1 <= passed + 1e-6)
            {
                pooled.Add(latency);
            }
        }

        return new Load(answered, parts.Sum(part => part.Wrong), TimeSpan.FromTicks(parts.Sum(part => part.Elapsed.Ticks)), pooled);
    }
}

/// <summary>wrk: one thread, which keeps its connections busy, each with its next request as soon as the last is answered.</summary>
internal static class Wrk
{
    /// <summary>Unless a kind has another number of them.</summary>
    public const int Connections = 48;

    /// <summary>All bodies in order, so that each has been used once when it is measured, if there is time for that.</summary>
    /// <param name="skip">How many have been used.</param>
    public static Task<Load> WarmUpAsync(string url, string requests, RequestKind kind, TimeSpan duration, long skip) =>
        RunAsync(url, requests, kind, duration, kind.Once ? "in-order" : "around", skip, seed: 0);

    /// <param name="skip">Of a kind that is good for one use: how many have been used up.</param>
    /// <param name="seed">Of what is asked for at random.</param>
    public static Task<Load> MeasureAsync(string url, string requests, RequestKind kind, TimeSpan duration, long skip, int seed) =>
        RunAsync(url, requests, kind, duration, kind.Once ? "in-order" : "random", skip, seed);

    private static async Task<Load> RunAsync(string url, string requests, RequestKind kind, TimeSpan duration, string order, long skip, int seed)
    {
        var start = new ProcessStartInfo("wrk") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])
            ["-t1", Number("-c{0}", kind.Connections), Number("-d{0}s", (long)duration.TotalSeconds), "--timeout", "30s", "-s", Path.Combine(AppContext.BaseDirectory, "exchange.lua"), url,
                "--", requests, order, Number("{0}", skip), kind.Prefix, Number("{0}", seed)])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        var line = output.Split('\n').FirstOrDefault(l => l.StartsWith("RESULT ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"wrk: {output}{errors}");
        var numbers = line.Split(' ')[1..].Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        if (numbers[0] == 0)
        {
            throw new InvalidOperationException($"No answers of {url} to {kind.Name}; {numbers[1]} failures.");
        }

        return new Load((long)numbers[0], (long)numbers[1], TimeSpan.FromMicroseconds(numbers[2]), [.. numbers[3..].Select(micros => micros / 1000)]);
    }

    private static string Number(string format, long number) => string.Format(CultureInfo.InvariantCulture, format, number);
}
