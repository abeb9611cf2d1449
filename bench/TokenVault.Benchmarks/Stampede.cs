using System.Diagnostics;

namespace TokenVault.Benchmarks;

/// <summary>A thousand callers at once want a token that has just ended.</summary>
internal static class Stampede
{
    private const int Callers = 1_000;

    public static async Task RunAsync(Results results)
    {
        await using var scene = await ExchangeScene.StartAsync();
        await scene.EndAccessTokenAsync();
        var before = scene.UpstreamRefreshes;
        var since = Stopwatch.GetTimestamp();
        var answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(scene.ExchangeAsync)));
        var elapsed = Stopwatch.GetElapsedTime(since);
        var calls = scene.UpstreamRefreshes - before;
        var right = answers.Count(token => token == answers[0] && token is not null);
        results.Notes.Add(FormattableString.Invariant(
            $"Stampede of {Callers:N0} on one expired tokenset: {calls} upstream call, {right:N0} answered with the same new token, all within {elapsed.TotalSeconds:F1} s."));
        if (calls != 1 || right != Callers)
        {
            results.Failures.Add($"stampede: {calls} upstream calls, {right} right answers");
        }
    }
}
