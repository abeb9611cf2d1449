using TokenVault.Server.Diagnostics;

namespace TokenVault.Tests.Diagnostics;

public sealed class IdleCollectionTests
{
    private const long Megabyte = 1024 * 1024;

    private readonly IdleCollection _idle = new();

    [Fact]
    public void Nothing_is_known_of_the_time_before_the_first_look()
    {
        LookAt(0, allocated: 64 * Megabyte).ShouldBeFalse();
        LookAt(1_000, allocated: 64 * Megabyte).ShouldBeTrue();
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(49, true)]
    [InlineData(50, false)]
    [InlineData(2_000, false)]
    public void It_waits_until_the_process_has_used_less_than_a_twentieth_of_a_processor(int milliseconds, bool due)
    {
        LookAt(0, processor: 700, allocated: 64 * Megabyte);

        LookAt(1_000, processor: 700 + milliseconds, allocated: 64 * Megabyte).ShouldBe(due);
    }

    [Theory]
    [InlineData(Megabyte - 1, true)]
    [InlineData(Megabyte, false)]
    public void It_waits_until_the_process_allocates_next_to_nothing_though_it_gets_no_processor(long allocated, bool due)
    {
        LookAt(0, allocated: 64 * Megabyte);

        LookAt(1_000, allocated: (64 * Megabyte) + allocated).ShouldBe(due);
    }

    [Fact]
    public void It_waits_until_there_is_enough_to_collect_since_the_last_one()
    {
        LookAt(0, allocated: (64 * Megabyte) - 1);
        LookAt(1_000, allocated: (64 * Megabyte) - 1).ShouldBeFalse();
        LookAt(2_000, allocated: 64 * Megabyte).ShouldBeTrue();
        LookAt(3_000, allocated: 64 * Megabyte).ShouldBeFalse("that was collected");
        LookAt(4_000, allocated: (128 * Megabyte) - 1).ShouldBeFalse("much goes on");
        LookAt(5_000, allocated: (128 * Megabyte) - 1).ShouldBeFalse("a byte is missing");
        LookAt(6_000, allocated: 128 * Megabyte).ShouldBeTrue();
    }

    [Theory]
    [InlineData(128 * Megabyte, true)]
    [InlineData((128 * Megabyte) + 1, false)]
    public void A_heap_that_takes_long_to_collect_is_left_alone(long heap, bool due)
    {
        LookAt(0, allocated: 64 * Megabyte, heap: heap);

        LookAt(1_000, allocated: 64 * Megabyte, heap: heap).ShouldBe(due);
    }

    [Fact]
    public void A_look_right_after_one_that_came_late_says_nothing()
    {
        LookAt(0, allocated: 64 * Megabyte);
        LookAt(2_000, processor: 1_500, allocated: 64 * Megabyte).ShouldBeFalse("much went on");
        LookAt(2_001, processor: 1_500, allocated: 64 * Megabyte).ShouldBeFalse("nothing is accounted for yet");
        LookAt(3_000, processor: 2_400, allocated: 64 * Megabyte).ShouldBeFalse("much went on since 2,000");
        LookAt(4_000, processor: 2_400, allocated: 64 * Megabyte).ShouldBeTrue();
    }

    /// <summary>Milliseconds and bytes.</summary>
    private bool LookAt(int now, int processor = 0, long allocated = 0, long heap = 0) =>
        _idle.IsDue(TimeSpan.FromMilliseconds(now), new ProcessUse(TimeSpan.FromMilliseconds(processor), allocated, heap));
}
