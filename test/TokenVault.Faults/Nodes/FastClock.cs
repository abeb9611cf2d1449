using System.Globalization;

namespace TokenVault.Faults.Nodes;

/// <summary>
/// The system's clock, faster: leases of 30 s and waits of 150 s keep their proportions and pass in a second or in a few. All
/// processes that begin at the same origin agree about the time.
/// </summary>
internal sealed class FastClock(int factor, DateTimeOffset origin) : TimeProvider
{
    public int Factor { get; private set; } = factor;

    public DateTimeOffset Origin { get; private set; } = origin;

    public override long TimestampFrequency => System.TimestampFrequency / Factor;

    public override DateTimeOffset GetUtcNow() => Origin + ((System.GetUtcNow() - Origin) * Factor);

    public override long GetTimestamp() => System.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new FastTimer(System.CreateTimer(callback, state, Shorter(dueTime), Shorter(period)), this);

    /// <summary>From now on faster, for a clock that has been the system's so far.</summary>
    public void Hasten(int factor) => (Origin, Factor) = (System.GetUtcNow(), factor);

    /// <summary>How long a time of this clock lasts.</summary>
    public TimeSpan Shorter(TimeSpan time)
    {
        if (time == Timeout.InfiniteTimeSpan || time == TimeSpan.Zero)
        {
            return time;
        }

        // Never down to zero, which would mean "at once", or "once only".
        var shorter = time / Factor;
        return shorter > TimeSpan.FromMilliseconds(1) ? shorter : TimeSpan.FromMilliseconds(1);
    }

    public static FastClock Parse(string factor, string origin) => new(
        int.Parse(factor, CultureInfo.InvariantCulture),
        new DateTimeOffset(long.Parse(origin, CultureInfo.InvariantCulture), TimeSpan.Zero));

    private sealed class FastTimer(ITimer inner, FastClock clock) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(clock.Shorter(dueTime), clock.Shorter(period));

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
