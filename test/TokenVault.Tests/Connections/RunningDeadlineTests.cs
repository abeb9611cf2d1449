using TokenVault.Server.Connections;
using TokenVault.Testing;

namespace TokenVault.Tests.Connections;

public sealed class RunningDeadlineTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(16);

    [Fact]
    public void F_14_It_is_over_when_its_time_is()
    {
        var clock = new VaultClock();
        using var deadline = new RunningDeadline(Patience, clock);

        clock.Advance(Patience - TimeSpan.FromMilliseconds(1));
        deadline.Token.IsCancellationRequested.ShouldBeFalse();
        clock.Advance(TimeSpan.FromMilliseconds(1));
        deadline.Token.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void F_05_A_process_that_stood_still_past_the_deadline_has_time_to_read_the_answer_that_came_meanwhile()
    {
        var clock = new SleepyClock();
        using var deadline = new RunningDeadline(Patience, clock);

        clock.Sleep(TimeSpan.FromMinutes(10));
        deadline.Token.IsCancellationRequested.ShouldBeFalse();

        for (var second = 0; second < 15; second++)
        {
            clock.Sleep(TimeSpan.FromSeconds(1));
            deadline.Token.IsCancellationRequested.ShouldBeFalse();
        }

        clock.Sleep(TimeSpan.FromSeconds(1));
        deadline.Token.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void F_14_A_machine_that_is_always_late_comes_to_its_deadline_too()
    {
        var clock = new SleepyClock();
        using var deadline = new RunningDeadline(Patience, clock);

        for (var i = 0; i < 32; i++)
        {
            deadline.Token.IsCancellationRequested.ShouldBeFalse();
            clock.Sleep(TimeSpan.FromMinutes(1));
        }

        deadline.Token.IsCancellationRequested.ShouldBeTrue();
    }

    /// <summary>As the clock of a process that is stopped: on waking, the timer that fell due fires once, late.</summary>
    private sealed class SleepyClock : TimeProvider
    {
        private readonly List<OneTimer> _timers = [];
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timers.Add(new OneTimer(() => callback(state)));
            return _timers[^1];
        }

        public void Sleep(TimeSpan time)
        {
            _now += time.Ticks;
            _timers.ForEach(timer => timer.Fire());
        }

        private sealed class OneTimer(Action fire) : ITimer
        {
            private bool _armed;

            public bool Change(TimeSpan dueTime, TimeSpan period) => _armed = dueTime != Timeout.InfiniteTimeSpan;

            public void Fire()
            {
                if (_armed)
                {
                    _armed = false;
                    fire();
                }
            }

            public void Dispose() => _armed = false;

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
