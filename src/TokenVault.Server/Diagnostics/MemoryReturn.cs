using System.Runtime.InteropServices;

namespace TokenVault.Server.Diagnostics;

/// <summary>
/// Gives back to the system, for the whole process, what it does not need any more.
/// <para>What the garbage collector keeps, when nothing goes on for a second: under load it lets the gaps in what lives long be, and when the load
/// is gone it does not look there again. The JVM has the same for a process that idles (JEP 346).</para>
/// <para>What glibc keeps of freed memory, every five seconds: the runtime's compiler takes megabytes for a moment, wherever code has become hot,
/// and glibc gives back by itself only where the end of a heap is free (malloc_trim(3)). Other C libraries have ways of their own.</para>
/// </summary>
internal sealed partial class MemoryReturn : IDisposable
{
    private const int LooksForEachTrim = 5;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly Func<TimeSpan> _processorTime;
    private readonly IdleCollection _idle = new();
    private readonly bool _trims = OperatingSystem.IsLinux() && Trim();
    private readonly ITimer _timer;
    private int _looks;

    /// <param name="time">Its clock and timers.</param>
    /// <param name="processorTime">What this process has used until now, all threads together.</param>
    public MemoryReturn(TimeProvider time, Func<TimeSpan> processorTime)
    {
        (_time, _processorTime) = (time, processorTime);
        _timer = time.CreateTimer(static self => ((MemoryReturn)self!).Look(), this, Interval, Interval);
    }

    public static MemoryReturn Start() => new(TimeProvider.System, () => Environment.CpuUsage.TotalTime);

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        var collects = _idle.IsDue(_time.GetElapsedTime(0), _processorTime(), GC.GetTotalAllocatedBytes(), GC.GetTotalMemory(forceFullCollection: false));
        if (collects)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        if (_trims && (collects || ++_looks % LooksForEachTrim == 0))
        {
            _ = Trim();
        }
    }

    /// <returns>False: the C library has no such call.</returns>
    private static bool Trim()
    {
        try
        {
            _ = Trim(kept: 0);
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    /// <param name="kept">Bytes that stay at the end of the heap.</param>
    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint kept);
}

/// <summary>When a collection of the whole heap, which everything waits for, is in nobody's way and worth it.</summary>
internal sealed class IdleCollection
{
    /// <summary>Of one processor's time since the last look.</summary>
    private const double Idle = 0.05;

    /// <summary>Allocated since the last one: below that there is little to give back, and who serves little is not interrupted for it.</summary>
    private const long WorthBytes = 256 * 1024 * 1024;

    /// <summary>In use: of more, the collection takes too long for whoever comes just then (some 60 ms for 70 MB).</summary>
    private const long MostBytes = 256 * 1024 * 1024;

    private TimeSpan? _lookedAt;
    private TimeSpan _processorTime;
    private long _allocatedBytes;

    /// <summary>To be asked at intervals.</summary>
    /// <param name="now">Since any moment that stays the same.</param>
    /// <param name="processorTime">That the process has used until now.</param>
    /// <param name="allocatedBytes">That the process has allocated until now.</param>
    /// <param name="usedBytes">Of the heap.</param>
    public bool IsDue(TimeSpan now, TimeSpan processorTime, long allocatedBytes, long usedBytes)
    {
        var isIdle = _lookedAt is { } last && processorTime - _processorTime < (now - last) * Idle;
        (_lookedAt, _processorTime) = (now, processorTime);
        if (!isIdle || allocatedBytes - _allocatedBytes < WorthBytes || usedBytes > MostBytes)
        {
            return false;
        }

        _allocatedBytes = allocatedBytes;
        return true;
    }
}
