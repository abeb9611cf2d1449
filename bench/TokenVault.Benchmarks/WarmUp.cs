namespace TokenVault.Benchmarks;

/// <summary>
/// Requests before the measurement: .NET compiles what runs often anew while it runs, and until that is done the CPU per request falls. How
/// long that takes goes by how many requests there are in a second, so it ends when the CPU per request has stopped falling.
/// </summary>
internal static class WarmUp
{
    /// <summary>Of the least time, each part.</summary>
    private const int LeastParts = 4;

    private const int MostParts = 3 * LeastParts;

    /// <summary>How many parts in a row bring nothing, before it ends.</summary>
    private const int InVain = 2;

    /// <summary>Below this part of the best so far, the CPU per request has fallen.</summary>
    private const double Fallen = 0.97;

    /// <summary>How often the generator stops at the most.</summary>
    public static int Stops(RequestKind kind) => IsWhole(kind) ? 1 : MostParts;

    /// <param name="load">Requests of this kind for a while.</param>
    /// <param name="least">How long at least.</param>
    public static async Task<(long Answered, long Wrong, TimeSpan Took)> RunAsync(
        ServerProcess server, RequestKind kind, Func<TimeSpan, Task<Load>> load, TimeSpan least)
    {
        if (IsWhole(kind))
        {
            var all = await load(least);
            return (all.Answered, all.Wrong, all.Elapsed);
        }

        var (answered, wrong, took, costs) = (0L, 0L, TimeSpan.Zero, new List<TimeSpan>());
        while (costs.Count < MostParts && !IsSteady(costs))
        {
            var before = server.Cpu;
            var part = await load(least / LeastParts);
            costs.Add((server.Cpu - before) / part.Answered);
            (answered, wrong, took) = (answered + part.Answered, wrong + part.Wrong, took + part.Elapsed);
        }

        return (answered, wrong, took);
    }

    /// <summary>What is good for one use there is so much of; and one connection alone makes nothing hot.</summary>
    private static bool IsWhole(RequestKind kind) => kind.Once || kind == RequestKind.Alone;

    private static bool IsSteady(List<TimeSpan> costs) =>
        costs.Count >= LeastParts && costs.TakeLast(InVain).Min() >= costs.SkipLast(InVain).Min() * Fallen;
}
