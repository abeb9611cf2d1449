using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using TokenVault.Server.Protocol;

namespace TokenVault.Benchmarks;

/// <summary>
/// Whether the time of an answer tells an unknown client from a known one, or how much of a secret was right (T-CA-08): Welch's t over
/// requests in random order, each from an address of its own, so that no limit on failures meets them.
/// </summary>
internal static class SecretTiming
{
    /// <summary>Below it, the two cannot be told apart with any confidence.</summary>
    private const double Limit = 4.5;

    /// <returns>Whether no comparison reached the limit.</returns>
    public static async Task<bool> RunAsync(ExchangeScene scene, int samples)
    {
        var known = scene.ByRefreshToken["client_id"];
        var secret = scene.ByRefreshToken["client_secret"];
        var nearly = secret[..^1] + (secret[^1] == 'x' ? 'y' : 'x');
        var wrong = new string([.. secret.Select(c => c == 'x' ? 'y' : 'x')]);
        Console.WriteLine($"Welch's t over {samples} requests of each kind; the limit is {Limit}.");
        var unknown = await CompareAsync(scene, "known client against unknown, wrong secret", (known, wrong), (Identifier.Client(), wrong), samples);
        var prefix = await CompareAsync(scene, "secret wrong in its last character against wrong in all", (known, nearly), (known, wrong), samples);
        return unknown && prefix;
    }

    private static async Task<bool> CompareAsync(ExchangeScene scene, string name, (string Id, string Secret) one, (string Id, string Secret) other, int samples)
    {
        List<double>[] times = [[], []];
        for (var i = -200; i < 2 * samples; i++)
        {
            var which = RandomNumberGenerator.GetInt32(2);
            var (id, secret) = which == 0 ? one : other;
            var sent = Stopwatch.GetTimestamp();
            await scene.FailAsync(id, secret);
            if (i >= 0)
            {
                times[which].Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
            }
        }

        var t = Welch(Trimmed(times[0]), Trimmed(times[1]));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: t = {t:F2}"));
        return Math.Abs(t) < Limit;
    }

    /// <summary>Without the slowest tenth, which is what else the machine did.</summary>
    private static List<double> Trimmed(List<double> times) => [.. times.Order().Take(times.Count * 9 / 10)];

    private static double Welch(List<double> a, List<double> b)
    {
        static (double Mean, double Error) Of(List<double> values)
        {
            var mean = values.Average();
            return (mean, values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1) / values.Count);
        }

        var (one, other) = (Of(a), Of(b));
        return (one.Mean - other.Mean) / Math.Sqrt(one.Error + other.Error);
    }
}
