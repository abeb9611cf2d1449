using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TokenVault.Server.Diagnostics;
using TokenVault.Testing;

namespace TokenVault.Tests.Diagnostics;

public sealed class MemoryReturnTests
{
    private const int Block = 2_048;
    private const int Blocks = 20_000;

    [GlibcFact]
    public void Memory_that_the_C_library_has_back_goes_back_to_the_system()
    {
        var clock = new VaultClock(DateTimeOffset.UnixEpoch);
        using var memory = new MemoryReturn(clock, Busy(clock));
        var blocks = Enumerable.Range(0, Blocks).Select(_ => Filled()).ToList();

        // One of a hundred stays, so that no end of a heap is free, and glibc keeps everything.
        var stay = blocks.Where((_, i) => i % 100 == 0).ToHashSet();
        blocks.Where(block => !stay.Contains(block)).ToList().ForEach(Marshal.FreeHGlobal);
        var kept = Resident(blocks);
        kept.ShouldBeGreaterThan(Blocks / 2 * Block);

        clock.Advance(TimeSpan.FromSeconds(5));

        (kept - Resident(blocks)).ShouldBeGreaterThan(Blocks / 2 * Block);

        stay.ShouldAllBe(block => Marshal.ReadByte(block) == 1);
        stay.ToList().ForEach(Marshal.FreeHGlobal);
    }

    [Fact]
    public void What_lives_no_more_is_collected_when_the_process_is_idle()
    {
        var clock = new VaultClock(DateTimeOffset.UnixEpoch);
        using var memory = new MemoryReturn(clock, () => new ProcessUse(TimeSpan.Zero, AllocatedBytes: long.MaxValue, HeapBytes: 0));
        var gone = AllocatedAndLeft();

        clock.Advance(TimeSpan.FromSeconds(2));

        gone.IsAlive.ShouldBeFalse();
    }

    /// <summary>Large: no other collection than that of the whole heap finds it. Nobody holds it when this returns.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference AllocatedAndLeft() => new(new byte[1024 * 1024]);

    /// <summary>One processor all the time.</summary>
    private static Func<ProcessUse> Busy(TimeProvider clock) => () => new ProcessUse(clock.GetElapsedTime(0), AllocatedBytes: 0, HeapBytes: 0);

    private static nint Filled()
    {
        var block = Marshal.AllocHGlobal(Block);
        Marshal.Copy(Enumerable.Repeat((byte)1, Block).ToArray(), 0, block, Block);
        return block;
    }

    /// <summary>Bytes in memory, of the heaps that these lie in.</summary>
    private static long Resident(IReadOnlyList<nint> blocks)
    {
        var (sum, within) = (0L, false);
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            if (line.Split(' ')[0].Split('-') is [var from, var to])
            {
                var (first, end) = (nint.Parse(from, NumberStyles.HexNumber, CultureInfo.InvariantCulture), nint.Parse(to, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                within = blocks.Any(block => block >= first && block < end);
            }
            else if (within && line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                sum += 1_024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
            }
        }

        return sum;
    }

    private sealed class GlibcFactAttribute : FactAttribute
    {
        public GlibcFactAttribute() => Skip = OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out _) ? null : "It is glibc that keeps freed memory.";
    }
}
