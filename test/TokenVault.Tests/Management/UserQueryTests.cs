using System.Text.Json.Nodes;
using TokenVault.Server.Http.Search;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users;

namespace TokenVault.Tests.Management;

public sealed class UserQueryTests
{
    private static readonly JsonObject Ada = JsonNode.Parse("""
        {"user_id":"auth0|1","email":"ada@example.com","email_verified":true,"name":"Ada Lovelace","created_at":"2026-03-05T10:00:00.000Z",
         "logins_count":7,"identities":[{"connection":"db","provider":"auth0"}],"app_metadata":{"plan":{"name":"team"},"tags":["x","y:z"]}}
        """)!.AsObject();

    [Theory]
    [InlineData("email:\"ada@example.com\"", true)]
    [InlineData("email:ADA@example.com", true)]
    [InlineData("email:\"bob@example.com\"", false)]
    [InlineData("ada@example.com", true)]
    [InlineData("\"Ada Lovelace\"", true)]
    [InlineData("user_id:auth0|1", true)]
    [InlineData("email_verified:true", true)]
    [InlineData("logins_count:7", true)]
    [InlineData("email:*@example.com", true)]
    [InlineData("email:ad?@*", true)]
    [InlineData("email:ad\\?@*", false)]
    [InlineData("name:\"Ada*\"", false)]
    [InlineData("name:Ada*", true)]
    [InlineData("name:*love*", true)]
    [InlineData("name:*", true)]
    [InlineData("nickname:*", false)]
    [InlineData("_exists_:name", true)]
    [InlineData("_exists_:nickname", false)]
    [InlineData("NOT _exists_:nickname", true)]
    [InlineData("identities.connection:db", true)]
    [InlineData("identities.connection:\"db\" AND identities.provider:auth0", true)]
    [InlineData("app_metadata.plan.name:team", true)]
    [InlineData("app_metadata.tags:y\\:z", true)]
    [InlineData("app_metadata.tags:(x AND q)", false)]
    [InlineData("app_metadata.tags:(q OR x)", true)]
    [InlineData("email:bob OR name:Ada*", true)]
    [InlineData("email:bob AND name:Ada*", false)]
    [InlineData("email:bob OR name:Ada* AND logins_count:8", false)]
    [InlineData("(email:bob OR name:Ada*) AND NOT logins_count:8", true)]
    [InlineData("created_at:[2026-01-01 TO *]", true)]
    [InlineData("created_at:[2026-03 TO 2026-03]", true)]
    [InlineData("created_at:{2026-03-05 TO *]", false)]
    [InlineData("created_at:[* TO 2026-03-05}", false)]
    [InlineData("created_at:[* TO 2026-03-05]", true)]
    [InlineData("created_at:{2026-03-05T09:59:59Z TO 2026-03-05T10:00:01Z}", true)]
    [InlineData("created_at:[2027 TO *]", false)]
    [InlineData("logins_count:[1 TO 7]", true)]
    [InlineData("logins_count:[1 TO 7}", false)]
    [InlineData("logins_count:{6 TO *}", true)]
    [InlineData("name:[aa TO bb]", true)]
    public void A_query_finds_what_it_says(string query, bool found)
    {
        SearchParser.TryParse(query, UserSearch.Subject, out var term, out var problem).ShouldBeTrue(problem);
        term!.Matches(Ada).ShouldBe(found);
    }

    [Theory]
    [InlineData("email:")]
    [InlineData("email:a email:b")]
    [InlineData("(email:a")]
    [InlineData("email:a)")]
    [InlineData("\"open")]
    [InlineData("name:O'Hara")]
    [InlineData("created_at:[2026 TO 2027] \"a\"")]
    [InlineData("AND email:a")]
    [InlineData("email:a OR")]
    [InlineData("NOT")]
    [InlineData("created_at:[a b]")]
    [InlineData("created_at:[a TO b")]
    [InlineData("created_at:[ TO b]")]
    [InlineData("_exists_:")]
    [InlineData(":x")]
    [InlineData("((((((((((((((((((((a))))))))))))))))))))")]
    public void A_query_that_is_not_understood_is_refused(string query) =>
        SearchParser.TryParse(query, UserSearch.Subject, out _, out _).ShouldBeFalse();

    [Fact]
    public void A_pattern_of_many_stars_takes_no_time()
    {
        var user = new JsonObject { ["name"] = new string('a', 2000) };
        SearchParser.TryParse("name:" + string.Concat(Enumerable.Repeat("*a", 500)) + "b", UserSearch.Subject, out var term, out _).ShouldBeTrue();
        term!.Matches(user).ShouldBeFalse();
    }

    [Fact]
    public async Task Users_are_searched_sorted_and_paged()
    {
        await using var host = await ManagementHost.StartAsync();
        foreach (var (name, plan) in ((string, string)[])[("Cy", "free"), ("Ada", "team"), ("Bob", "team")])
        {
            await host.CreateAsync(
                "/users",
                $$$"""{"connection":"{{{Wire.DatabaseConnection}}}","email":"{{{name}}}@example.com","name":"{{{name}}}","password":"correct horse battery","app_metadata":{"plan":"{{{plan}}}"}}""");
        }

        (await NamesAsync("q=app_metadata.plan%3Ateam&sort=name:1")).ShouldBe(["Ada", "Bob"]);
        (await NamesAsync("q=app_metadata.plan:team%20AND%20NOT%20name:Bob&search_engine=v3")).ShouldBe(["Ada"]);
        (await NamesAsync("sort=name:-1")).ShouldBe(["Cy", "Bob", "Ada"]);
        (await NamesAsync("sort=name:1&page=1&per_page=2")).ShouldBe(["Cy"]);
        (await NamesAsync("connection=other")).ShouldBeEmpty();

        // A cursor goes by the id, whatever the order that was asked for: nobody is left out.
        foreach (var order in (string[])["name:1", "name:-1", "email:1"])
        {
            var (seen, next) = (new List<string>(), (string?)"");
            for (; next is not null; next = (string?)(await PageAsync(next))["next"])
            {
                seen.AddRange((await PageAsync(next))["users"]!.AsArray().Select(user => (string)user!["name"]!));
            }

            seen.ShouldBe(["Ada", "Bob", "Cy"], ignoreOrder: true);

            async Task<JsonNode> PageAsync(string from) => (await host.SendAsync("GET", $"/users?take=1&from={from}&sort={order}&q=_exists_:email")).Body!;
        }

        var totals = (await host.SendAsync("GET", "/users?include_totals=true&per_page=1&q=app_metadata.plan:team")).Body!;
        ((int)totals["total"]!, totals["users"]!.AsArray().Count).ShouldBe((2, 1));
        (await host.SendAsync("GET", "/users?q=a%20b")).ErrorCode.ShouldBe("invalid_query_string");
        (await host.SendAsync("GET", "/users?search_engine=v2")).ErrorCode.ShouldBe("invalid_query_string");

        async Task<string[]> NamesAsync(string query) =>
            [.. (await host.SendAsync("GET", "/users?" + query)).Body!.AsArray().Select(user => (string)user!["name"]!)];
    }
}
