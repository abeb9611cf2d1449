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
    private readonly Func<ProcessUse> _use;
    private readonly IdleCollection _idle = new();
    private readonly bool _trims = OperatingSystem.IsLinux() && Trim();
    private readonly Lock _looking = new();
    private readonly ITimer _timer;
    private int _looks;

    /// <param name="time">Its clock and timers.</param>
    /// <param name="use">What the process has used until now.</param>
    public MemoryReturn(TimeProvider time, Func<ProcessUse> use)
    {
        (_time, _use) = (time, use);
        _timer = time.CreateTimer(static self => ((MemoryReturn)self!).Look(), this, Interval, Interval);
    }

    public static MemoryReturn Start() => new(TimeProvider.System, ProcessUse.Now);

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        // A timer that comes late, with the next one, comes twice.
        if (!_looking.TryEnter())
        {
            return;
        }

        try
        {
            var collects = _idle.IsDue(_time.GetElapsedTime(0), _use());
            if (collects)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }

            if (_trims && (collects || ++_looks % LooksForEachTrim == 0))
            {
                _ = Trim();
            }
        }
        finally
        {
            _looking.Exit();
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

/// <param name="Processor">Since the process began, all threads together.</param>
/// <param name="AllocatedBytes">Since the process began.</param>
/// <param name="HeapBytes">What of it is not collected yet.</param>
internal readonly record struct ProcessUse(TimeSpan Processor, long AllocatedBytes, long HeapBytes)
{
    public static ProcessUse Now() => new(Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), GC.GetTotalMemory(forceFullCollection: false));
}
