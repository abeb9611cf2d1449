namespace TokenVault.Tests.Management;

/// <summary>Whatever is searched for is answered or refused; it never breaks the server.</summary>
public class ExoticSearchTests
{
    private static readonly string[] Queries =
    [
        "date:[0001 TO *]", "date:[0001-01-01T00:00:00+14:00 TO *]", "date:[* TO 9998-12-31T23:59:59-14:00]", "date:[* TO 9999]", "date:[\"\" TO \"\"]",
        "date:{* TO *}", "created_at:[0000 TO 9999]", "logins_count:[NaN TO Infinity]", "logins_count:[1e400 TO -1e400]", "log_id:[* TO \"\"]",
        "a:b:c", ":x", "\"", "\\", "\"\\", "user_id:\"\"", "email:\"\"", "user_id:\"\0\"", "email:\"a\0b\"", "username:\0", "_exists_:", "_exists_:\"\"", "_exists_:.",
        ".:x", "..:x", "identities..connection:1", "identities.0.connection:x", "[a TO b]", "f:[a TO b", "f:[a b]", "f:{ TO }", "NOT", "NOT NOT x", "AND", "OR OR",
        "*:*", "*", "**", "?", "f:**************************************************a", "/a+b/", "a^2", "a~1", "+a", "-", "!", "--a", "😀", "user_id:😀", "\ud800",
        "\u202e", "f:(a", "f:()", "()", "((((((((((((((((((((((((a))))))))))))))))))))))))", "a AND", "a OR b AND", "f:a f:b", "\t\n", "f:\"a\nb\"",
    ];

    [Fact]
    public async Task T_EN_12_Exotic_searches_are_answered_or_refused()
    {
        var host = await ManagementHost.SharedAsync();
        foreach (var query in Queries.Append(string.Join(" OR ", Enumerable.Repeat("a:b", 60))).Append(new string('(', 1000)))
        {
            foreach (var list in (string[])["/users", "/logs", "/users/auth0%7Cnobody/logs"])
            {
                var reply = await host.SendAsync("GET", $"{list}?per_page=1&q={Uri.EscapeDataString(query)}");
                reply.Status.ShouldBeOneOf(200, 400);
            }
        }
    }

    [Theory]
    [InlineData("/users")]
    [InlineData("/logs")]
    public async Task T_EN_12_Nothing_of_a_search_is_passed_over(string list)
    {
        var host = await ManagementHost.SharedAsync();
        var reply = await host.SendAsync("GET", $"{list}?q={Uri.EscapeDataString("_exists_:user_id OR (type:x)\0 AND type:nothing")}");
        (reply.Status, reply.ErrorCode).ShouldBe((400, "invalid_query_string"));
    }
}
