namespace TokenVault.Server.Demo;

/// <summary>The real time, until the demo says that an hour has passed.</summary>
internal sealed class DemoClock : TimeProvider
{
    private long _ahead;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);
}
