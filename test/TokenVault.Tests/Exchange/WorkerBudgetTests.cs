using TokenVault.Server.Exchange;

namespace TokenVault.Tests.Exchange;

public class WorkerBudgetTests
{
    private static readonly DateTimeOffset Turn = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Two nodes take turns about the end of a minute, the one's clock a little behind the other's.</summary>
    [Fact]
    public void T_PW_09_a_node_whose_clock_is_behind_does_not_begin_the_minute_anew()
    {
        var budget = new WorkerBudget { ClientId = "worker" };
        for (var i = 0; i < 10; i++)
        {
            var now = i % 2 == 0 ? Turn.AddMilliseconds(100) : Turn.AddMilliseconds(-100);
            budget = budget.At(now) with { Requests = budget.At(now).Requests + 1 };
        }

        budget.At(Turn.AddMilliseconds(-100)).RecentRequests(Turn.AddMilliseconds(-100)).ShouldBe(10);
        budget.At(Turn.AddMilliseconds(100)).RecentRequests(Turn.AddMilliseconds(100)).ShouldBe(10);
    }

    [Fact]
    public void The_minute_before_counts_for_as_much_of_it_as_lies_within_the_last_sixty_seconds()
    {
        var budget = new WorkerBudget { ClientId = "worker" }.At(Turn) with { Requests = 60 };
        int After(double seconds) => budget.At(Turn.AddSeconds(seconds)).RecentRequests(Turn.AddSeconds(seconds));
        (After(0), After(59), After(60), After(90), After(119), After(120)).ShouldBe((60, 60, 60, 30, 1, 0));
    }

    /// <summary>A clock that was an hour ahead, and is right again, is no reason to refuse for an hour.</summary>
    [Fact]
    public void What_a_wrong_clock_has_counted_in_the_future_is_forgotten()
    {
        var budget = new WorkerBudget { ClientId = "worker" }.At(Turn.AddHours(1)) with { Requests = 60 };
        budget.At(Turn).RecentRequests(Turn).ShouldBe(0);
    }
}
