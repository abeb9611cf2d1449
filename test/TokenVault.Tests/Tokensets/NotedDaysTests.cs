using TokenVault.Server.Protocol;
using TokenVault.Server.Tokensets;

namespace TokenVault.Tests.Tokensets;

public sealed class NotedDaysTests
{
    private static readonly DateOnly Today = new(2026, 11, 22);

    private readonly NotedDays _days = new();

    [Fact]
    public void A_day_is_noted_until_it_is_removed_or_over()
    {
        _days.Has("tks_1", Today).ShouldBeFalse();
        _days.Add("tks_1", Today);
        _days.Has("tks_1", Today).ShouldBeTrue();
        _days.Has("tks_2", Today).ShouldBeFalse();
        _days.Has("tks_1", Today.AddDays(1)).ShouldBeFalse();
        _days.Add("tks_1", Today.AddDays(1));
        _days.Has("tks_1", Today.AddDays(1)).ShouldBeTrue();
        _days.Remove("tks_1", Today.AddDays(1));
        _days.Has("tks_1", Today.AddDays(1)).ShouldBeFalse();
    }

    [Fact]
    public void Of_a_hundred_thousand_a_day_few_are_noted_twice_and_yesterdays_are_in_nobodys_way()
    {
        var ids = Enumerable.Range(0, 100_000).Select(_ => "tks_" + Identifier.Secret()).ToList();
        foreach (var day in (DateOnly[])[Today, Today.AddDays(1)])
        {
            ids.ShouldAllBe(id => !_days.Has(id, day));
            ids.ForEach(id => _days.Add(id, day));
            ids.Count(id => _days.Has(id, day)).ShouldBeGreaterThan(99_000);
        }

        // As many as are busy on most servers: hardly any.
        var few = new NotedDays();
        ids[..10_000].ForEach(id => few.Add(id, Today));
        ids[..10_000].Count(id => few.Has(id, Today)).ShouldBeGreaterThan(9_980);
    }
}
