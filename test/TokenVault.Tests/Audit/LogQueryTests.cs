using System.Text.Json.Nodes;
using TokenVault.Server.Audit;

namespace TokenVault.Tests.Audit;

public sealed class LogQueryTests
{
    private static readonly JsonObject Entry = new()
    {
        ["type"] = "seta",
        ["date"] = "2030-01-02T03:04:05.000Z",
        ["user_id"] = "auth0|abc",
        ["client_name"] = "The Application",
        ["ip"] = "127.0.0.1",
        ["url"] = "https://a.example/x?y=z",
        ["details"] = new JsonObject { ["tokenset_id"] = "fct_1", ["is_privileged_worker"] = false },
    };

    [Theory]
    [InlineData("type:seta")]
    [InlineData("type:\"seta\" AND user_id:\"auth0|abc\"")]
    [InlineData("type:feta OR type:seta")]
    [InlineData("(type:feta OR type:seta) AND NOT connection:calendar")]
    [InlineData("type:se*")]
    [InlineData("user_id:*abc")]
    [InlineData("client_name:*APPL*on")]
    [InlineData("ip:127.?.0.*")]
    [InlineData("appl*ion")]
    [InlineData("*abc")]
    [InlineData("-type:feta")]
    [InlineData("user_id:auth0|abc type:seta")]
    [InlineData("_exists_:details.tokenset_id")]
    [InlineData("details.tokenset_id:fct_1")]
    [InlineData("details.is_privileged_worker:false")]
    [InlineData("date:[2030-01-01 TO 2030-01-02]")]
    [InlineData("date:[2030-01-02T03:04:05Z TO *]")]
    [InlineData("date:{2030-01-02T03:04:04Z TO 2030-01-02T03:04:06Z}")]
    [InlineData("date:[2030-01-02T05:04:05+02:00 TO 2030-01-02T03:04:05.000Z]")]
    [InlineData("ip:127.0.0.1")]
    [InlineData("application")]
    [InlineData("type:(feta OR seta)")]
    [InlineData("NOT NOT type:seta")]
    [InlineData("!type:feta")]
    [InlineData("_exists_:details")]
    [InlineData("url:https://a.example/x?y=z")]
    [InlineData("date:2030*")]
    [InlineData("client_name:\"the application\"")]
    public void What_an_entry_meets_finds_it(string text) => LogQuery.Parse(text).ShouldNotBeNull().Matches(Entry).ShouldBeTrue();

    [Theory]
    [InlineData("type:feta")]
    [InlineData("type:seta AND user_id:other")]
    [InlineData("NOT type:seta")]
    [InlineData("type:\"se*\"")]
    [InlineData("type:se\\*")]
    [InlineData("user_id:*ab")]
    [InlineData("appl?ion")]
    [InlineData("_exists_:connection")]
    [InlineData("date:[2030-01-03 TO *]")]
    [InlineData("date:{2030-01-02T03:04:05Z TO *]")]
    [InlineData("date:[* TO 2030-01-01]")]
    [InlineData("details.tokenset_id.x:1")]
    public void What_it_does_not_meet_leaves_it_out(string text) => LogQuery.Parse(text).ShouldNotBeNull().Matches(Entry).ShouldBeFalse();

    [Theory]
    [InlineData("(type:seta")]
    [InlineData("type:seta)")]
    [InlineData("type:")]
    [InlineData("type:\"seta")]
    [InlineData("date:[2030 TO")]
    [InlineData("date:[2030-01-01 2030-01-02]")]
    [InlineData("AND")]
    [InlineData("((((((((((((type:a))))))))))))")]
    [InlineData("NOT")]
    public void T_EN_12_What_is_no_search_is_refused(string text) => LogQuery.Parse(text).ShouldBeNull();

    [Fact]
    public void A_search_by_user_and_date_reads_only_that_part()
    {
        var narrowed = LogQuery.Parse("user_id:\"u\" AND date:[2030-01-02 TO 2030-01-03]")!.Narrow(new());
        narrowed.UserId.ShouldBe("u");
        narrowed.Above.ShouldBe("90020300102000000000000");
        narrowed.Below.ShouldBe("90020300104000000000000");

        // Either of them alone is no such part.
        LogQuery.Parse("user_id:\"u\" OR date:[2030-01-02 TO 2030-01-03]")!.Narrow(new()).ShouldBe(new());
    }
}
