namespace TokenVault.Benchmarks;

/// <summary>
/// Requests before the measurement: .NET compiles what runs often anew while it runs, and until that is done the CPU per request falls. How
/// long that takes goes by how many requests there are in a second, so it ends when the CPU per request has stopped falling.
/// </summary>
/// <param name="Stops">How often the generator stopped, and left requests under way.</param>
/// <param name="IsSteady">False: the CPU per request still fell when the time was up.</param>
internal sealed record WarmUp(long Answered, long Wrong, TimeSpan Took, int Stops, bool IsSteady)
{
    /// <summary>Of the least time, each part.</summary>
    private const int LeastParts = 4;

    private const int MostParts = 3 * LeastParts;

    /// <summary>How many parts in a row bring nothing, before it ends.</summary>
    private const int InVain = 2;

    /// <summary>Below this part of the best so far, the CPU per request has fallen.</summary>
    private const double Fallen = 0.97;

    /// <summary>In parts of whole seconds.</summary>
    public static TimeSpan Least(TimeSpan wished) => LeastParts * PartOf(wished);

    /// <param name="load">Requests of this kind for a while, from there on.</param>
    /// <param name="least">How long at least.</param>
    public static async Task<WarmUp> RunAsync(ServerProcess server, RequestKind kind, Func<TimeSpan, long, Task<Load>> load, TimeSpan least)
    {
        // Of what is good for one use there is so much; and one connection alone makes nothing hot.
        if (kind.Once || kind == RequestKind.Alone)
        {
            var all = await load(least, 0);
            return new WarmUp(all.Answered, all.Wrong, all.Elapsed, Stops: 1, IsSteady: true);
        }

        var (sum, costs) = (new WarmUp(0, 0, TimeSpan.Zero, 0, IsSteady: false), new List<TimeSpan>());
        while (costs.Count < MostParts && !sum.IsSteady)
        {
            var before = server.Cpu;
            var seen = await load(PartOf(least), sum.Answered);
            costs.Add((server.Cpu - before) / seen.Answered);
            sum = new WarmUp(sum.Answered + seen.Answered, sum.Wrong + seen.Wrong, sum.Took + seen.Elapsed, costs.Count, IsSteadyBy(costs));
        }

        return sum;
    }

    private static TimeSpan PartOf(TimeSpan least) => TimeSpan.FromSeconds(Math.Ceiling(least.TotalSeconds / LeastParts));

    private static bool IsSteadyBy(List<TimeSpan> costs) =>
        costs.Count >= LeastParts && costs.TakeLast(InVain).Min() >= costs.SkipLast(InVain).Min() * Fallen;
}
