using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using TokenVault.Server.Http;

namespace TokenVault.Tests.Http;

public class PageRequestTests
{
    [Fact]
    public void Without_parameters_it_is_the_first_fifty_rows()
    {
        var page = Read("").Page;
        page.Checkpoint.ShouldBeFalse();
        page.IncludeTotals.ShouldBeFalse();
        (page.Start, page.Limit).ShouldBe((0, 50));
    }

    [Theory]
    [InlineData("?page=2&per_page=30", 60, 30, false)]
    [InlineData("?page=0&per_page=100&include_totals=true", 0, 100, true)]
    [InlineData("?per_page=0&include_totals=true", 0, 0, true)]
    [InlineData("?include_totals=false", 0, 50, false)]
    public void A_numbered_page_is_counted_from_zero(string query, int start, int limit, bool totals)
    {
        var page = Read(query).Page;
        (page.Checkpoint, page.Start, page.Limit, page.IncludeTotals).ShouldBe((false, start, limit, totals));
    }

    [Theory]
    [InlineData("?take=20", 20, null)]
    [InlineData("?from=good&take=20", 20, "id")]
    [InlineData("?from=good", 50, "id")]
    [InlineData("?include_totals=true&take=50&name=", 50, null)]
    public void With_from_or_take_it_is_a_page_with_a_cursor(string query, int limit, string? after)
    {
        var (page, error) = Read(query);
        error.ShouldBeNull();
        (page.Checkpoint, page.Limit, page.After).ShouldBe((true, limit, after));
    }

    [Theory]
    [InlineData("?page=-1", "page")]
    [InlineData("?page=one", "page")]
    [InlineData("?page=1.0", "page")]
    [InlineData("?page=+1", "page")]
    [InlineData("?page=1&page=2", "page")]
    [InlineData("?per_page=101", "per_page")]
    [InlineData("?per_page=99999999999", "per_page")]
    [InlineData("?take=0", "take")]
    [InlineData("?take=101", "take")]
    [InlineData("?include_totals=yes", "include_totals")]
    [InlineData("?include_totals=True", "include_totals")]
    [InlineData("?from=bad", "from")]
    public void A_bad_value_is_named(string query, string parameter)
    {
        var error = Read(query).Error.ShouldNotBeNull();
        (error.Status, error.Code).ShouldBe((400, "invalid_query_string"));
        error.Message.ShouldEndWith($"on property {parameter}");
    }

    [Theory]
    [InlineData("?fields=a,b", "a,b")]
    [InlineData("?fields=a,b&include_fields=true", "a,b")]
    [InlineData("?fields=a&include_fields=false", "b,c")]
    [InlineData("?fields=unknown", "")]
    [InlineData("?include_fields=false", "a,b,c")]
    [InlineData("", "a,b,c")]
    public void Fields_choose_members(string query, string left)
    {
        var json = new System.Text.Json.Nodes.JsonObject { ["a"] = 1, ["b"] = 2, ["c"] = 3 };
        var names = FieldFilter.Read(Reader(query)).Apply(json).Select(member => member.Key);
        string.Join(',', names).ShouldBe(left);
    }

    private static (PageRequest Page, ManagementError? Error) Read(string query)
    {
        var reader = Reader(query);
        var page = PageRequest.Read(reader, cursor => cursor == "good" ? "id" : null);
        return (page, reader.Refused(out var error) ? error : null);
    }

    private static QueryReader Reader(string query) => new(new QueryCollection(QueryHelpers.ParseQuery(query)));
}
