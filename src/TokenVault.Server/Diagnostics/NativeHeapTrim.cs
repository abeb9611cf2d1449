using System.Runtime.InteropServices;

namespace TokenVault.Server.Diagnostics;

/// <summary>
/// Gives back to the system what the C library keeps of freed memory: the runtime's compiler takes megabytes for a moment, wherever code has
/// become hot. glibc does so by itself only where the end of a heap is free (malloc_trim(3)). Other C libraries have ways of their own.
/// </summary>
internal static partial class NativeHeapTrim
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>Every five seconds, for the whole process, until it is disposed of.</summary>
    /// <returns>Null where the C library has no such call.</returns>
    public static IDisposable? Start(TimeProvider time) =>
        OperatingSystem.IsLinux() && Trim() ? time.CreateTimer(static _ => Trim(), state: null, Interval, Interval) : null;

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
