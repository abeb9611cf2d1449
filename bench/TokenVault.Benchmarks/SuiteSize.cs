namespace TokenVault.Benchmarks;

/// <summary>How much is done.</summary>
/// <param name="Tokensets">Of each size there is one store of each engine.</param>
/// <param name="Once">As many requests that are good for one use as a fast server takes in the time; of the larger store.</param>
/// <param name="Turns">Of each server, with requests that come again and again; even, so that each comes first as often as last.</param>
/// <param name="Turn">How long each of them is. After each the server tidies up, which costs as much after a short one as after a long one.</param>
/// <param name="WarmUp">Of requests that come again and again; the longest.</param>
/// <param name="Duration">The one turn with requests that are good for one use.</param>
internal sealed record SuiteSize(IReadOnlyList<int> Tokensets, StoreSize Once, int Turns, TimeSpan Turn, TimeSpan WarmUp, TimeSpan Duration)
{
    public static SuiteSize Full { get; } = new(
        [1_000, 1_000_000],
        new StoreSize(0) { WorkerRequests = 250_000, FirstUses = 200_000, FirstAccesses = 200_000, Refreshes = 100_000 },
        Turns: 8,
        Turn: TimeSpan.FromSeconds(4),
        WarmUp: TimeSpan.FromSeconds(20),
        Duration: TimeSpan.FromSeconds(10));

    public static SuiteSize Quick { get; } = new(
        [1_000, 100_000],
        new StoreSize(0) { WorkerRequests = 60_000, FirstUses = 44_000, FirstAccesses = 38_000, Refreshes = 8_000 },
        Turns: 2,
        Turn: TimeSpan.FromSeconds(2),
        WarmUp: TimeSpan.FromSeconds(6),
        Duration: TimeSpan.FromSeconds(3));

    public (int Count, TimeSpan Each) TurnsOf(RequestKind kind) => kind.Once ? (1, Duration) : (Turns, Turn);

    /// <summary>Kinds whose requests come again are to find their users remembered; the others run what these have warmed up.</summary>
    public TimeSpan WarmUpOf(RequestKind kind) =>
        kind == RequestKind.AccessToken || kind == RequestKind.RefreshToken ? WarmUp : TimeSpan.FromSeconds(Math.Ceiling(WarmUp.TotalSeconds / 3));

    /// <param name="further">Whether all kinds are measured there.</param>
    public StoreSize Of(int tokensets, bool further) =>
        further ? Once with { Tokensets = tokensets } : new StoreSize(tokensets) { WorkerRequests = Once.WorkerRequests };
}
