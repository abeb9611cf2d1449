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

    private const long Worth = 256 * 1024 * 1024;
    private const int LargeBlock = 1024 * 1024;
    private const long Small = 1024 * 1024;

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
        using var memory = new MemoryReturn(clock, () => TimeSpan.Zero);
        var gone = AllocatedAndLeft();

        clock.Advance(TimeSpan.FromSeconds(1));
        clock.Advance(TimeSpan.FromSeconds(1));

        gone.ShouldAllBe(one => !one.IsAlive);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(49, true)]
    [InlineData(50, false)]
    [InlineData(2_000, false)]
    public void A_collection_waits_until_the_process_has_used_less_than_a_twentieth_of_a_processor(int milliseconds, bool due)
    {
        var idle = new IdleCollection();
        idle.IsDue(TimeSpan.Zero, Milliseconds(700), Worth, Small).ShouldBeFalse("nothing is known of the time before");

        idle.IsDue(Milliseconds(1_000), Milliseconds(700 + milliseconds), Worth, Small).ShouldBe(due);
    }

    [Fact]
    public void A_collection_waits_until_there_is_enough_to_collect()
    {
        var idle = new IdleCollection();
        idle.IsDue(TimeSpan.Zero, TimeSpan.Zero, 0, Small);

        idle.IsDue(Milliseconds(1_000), TimeSpan.Zero, Worth - 1, Small).ShouldBeFalse();
        idle.IsDue(Milliseconds(2_000), TimeSpan.Zero, Worth, Small).ShouldBeTrue();
        idle.IsDue(Milliseconds(3_000), TimeSpan.Zero, (2 * Worth) - 1, Small).ShouldBeFalse("that was collected");
        idle.IsDue(Milliseconds(4_000), TimeSpan.Zero, 2 * Worth, Small).ShouldBeTrue();
    }

    [Theory]
    [InlineData(Small, true)]
    [InlineData(256 * Small, true)]
    [InlineData((256 * Small) + 1, false)]
    public void A_heap_that_takes_long_to_collect_is_left_alone(long used, bool due)
    {
        var idle = new IdleCollection();
        idle.IsDue(TimeSpan.Zero, TimeSpan.Zero, 0, used);

        idle.IsDue(Milliseconds(1_000), TimeSpan.Zero, Worth, used).ShouldBe(due);
    }

    /// <summary>Large enough that no other collection than that of the whole heap finds them; nobody holds them when this returns.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<WeakReference> AllocatedAndLeft() =>
        [.. Enumerable.Range(0, (int)(Worth / LargeBlock) + 1).Select(_ => new WeakReference(new byte[LargeBlock]))];

    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);

    /// <summary>One processor all the time.</summary>
    private static Func<TimeSpan> Busy(TimeProvider clock) => () => clock.GetElapsedTime(0);

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
