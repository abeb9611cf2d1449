using System.Text.Json.Nodes;

namespace TokenVault.Tests.Management;

public sealed class ListTests(ListTests.EightClients eight) : IClassFixture<ListTests.EightClients>
{
    private readonly ManagementHost _host = eight.Host;

    [Theory]
    [InlineData("", 8)]
    [InlineData("?per_page=3", 3)]
    [InlineData("?page=2&per_page=3", 2)]
    [InlineData("?page=9&per_page=3", 0)]
    [InlineData("?include_totals=false", 8)]
    [InlineData("?app_type=spa", 4)]
    [InlineData("?app_type=spa,non_interactive", 5)]
    [InlineData("?is_global=false", 8)]
    [InlineData("?is_global=true", 0)]
    [InlineData("?is_first_party=false", 0)]
    [InlineData("?unknown=x", 8)]
    public async Task Without_totals_a_list_is_a_bare_array(string query, int count)
    {
        var reply = await _host.SendAsync("GET", "/clients" + query);
        reply.Status.ShouldBe(200);
        reply.Body!.AsArray().Count.ShouldBe(count);
    }

    [Theory]
    [InlineData("?include_totals=true", 0, 50, 8, 8)]
    [InlineData("?page=1&per_page=5&include_totals=true", 5, 5, 3, 8)]
    [InlineData("?include_totals=true&per_page=0", 0, 0, 0, 8)]
    [InlineData("?include_totals=true&app_type=spa&page=1&per_page=3", 3, 3, 1, 4)]
    [InlineData("?include_totals=true&is_global=false&per_page=100&page=0", 0, 100, 8, 8)]
    public async Task With_totals_a_list_is_an_object(string query, int start, int limit, int length, int total)
    {
        var body = (await _host.SendAsync("GET", "/clients" + query)).Body!.AsObject();
        body.Select(member => member.Key).ShouldBe(["start", "limit", "length", "total", "clients"]);
        ((int)body["start"]!, (int)body["limit"]!, (int)body["length"]!, (int)body["total"]!).ShouldBe((start, limit, length, total));
        body["clients"]!.AsArray().Count.ShouldBe(length);
    }

    [Theory]
    [InlineData("", 8)]
    [InlineData("&app_type=spa", 4)]
    public async Task With_a_cursor_every_row_comes_once_and_the_last_page_has_no_cursor(string filter, int count)
    {
        var ids = new List<string>();
        var path = "/clients?take=3" + filter;
        for (var pages = 0; pages < 10; pages++)
        {
            var body = (await _host.SendAsync("GET", path)).Body!.AsObject();
            ids.AddRange(body["clients"]!.AsArray().Select(client => (string)client!["client_id"]!));
            if (!body.ContainsKey("next"))
            {
                break;
            }

            body["clients"]!.AsArray().Count.ShouldBe(3);
            path = $"/clients?take=3{filter}&from={body["next"]}";
        }

        ids.Count.ShouldBe(count);
        ids.Distinct().Count().ShouldBe(count);
    }

    [Fact]
    public async Task A_page_that_ends_with_the_last_row_has_no_cursor()
    {
        (await _host.SendAsync("GET", "/clients?take=8")).Body!.AsObject().ContainsKey("next").ShouldBeFalse();
        (await _host.SendAsync("GET", "/clients?take=7")).Body!.AsObject().ContainsKey("next").ShouldBeTrue();
    }

    [Fact]
    public async Task T_MG_08_a_cursor_is_good_for_its_own_list_and_filter_only()
    {
        var cursor = (string)(await _host.SendAsync("GET", "/clients?take=2")).Body!["next"]!;
        (await _host.SendAsync("GET", "/clients?from=" + cursor)).Status.ShouldBe(200);
        (await Refused("/clients?app_type=spa&from=" + cursor)).ShouldBe("invalid_query_string");
        (await Refused("/resource-servers?from=" + cursor)).ShouldBe("invalid_query_string");
        (await Refused("/clients?from=" + cursor[..^1])).ShouldBe("invalid_query_string");
        (await Refused("/clients?from=" + cursor + "A")).ShouldBe("invalid_query_string");
        (await Refused("/clients?from=" + (cursor[0] == 'A' ? 'B' : 'A') + cursor[1..])).ShouldBe("invalid_query_string");
        (await Refused("/clients?from=not%20a%20cursor")).ShouldBe("invalid_query_string");
        (await Refused("/clients?from=AAAA")).ShouldBe("invalid_query_string");

        async Task<string?> Refused(string path) => (await _host.SendAsync("GET", path)).ErrorCode;
    }

    [Fact]
    public async Task Fields_choose_members_in_lists_and_single_reads()
    {
        foreach (var client in (await _host.SendAsync("GET", "/clients?fields=client_id,name&include_fields=true")).Body!.AsArray())
        {
            client!.AsObject().Select(member => member.Key).ShouldBe(["client_id", "name"]);
        }

        var id = (string)(await _host.SendAsync("GET", "/clients")).Body![0]!["client_id"]!;
        (await _host.SendAsync("GET", $"/clients/{id}?fields=name&include_fields=false")).Body!.AsObject().ContainsKey("name").ShouldBeFalse();
    }

    [Theory]
    [InlineData("' OR '1'='1")]
    [InlineData("\"; DROP TABLE entities; --")]
    [InlineData("%' UNION SELECT * FROM entities --")]
    [InlineData("\\'; SELECT 1")]
    [InlineData("1;ATTACH DATABASE 'x' AS x")]
    [InlineData("\u202e\u0000")]
    public async Task T_EN_12_a_hostile_filter_is_a_text_like_any_other(string text)
    {
        var value = Uri.EscapeDataString(text);
        foreach (var path in (string[])["/clients?app_type=", "/connections?name=", "/connections?strategy=", "/resource-servers?identifier=",
            "/resource-servers?identifiers=", "/client-grants?client_id=", "/client-grants?audience=", "/client-grants?subject_type="])
        {
            var reply = await _host.SendAsync("GET", path + value);
            reply.Status.ShouldBe(200, path);
            reply.Body!.AsArray().ShouldBeEmpty();
        }

        foreach (var path in (string[])["/clients?fields=", "/clients?sort=", "/users?sort=", "/clients?q="])
        {
            (await _host.SendAsync("GET", path + value)).Status.ShouldBe(200, path);
        }

        foreach (var path in (string[])["/clients?page=", "/clients?per_page=", "/clients?take=", "/clients?from=", "/clients?include_totals=", "/users?q="])
        {
            (await _host.SendAsync("GET", path + value)).ErrorCode.ShouldBe("invalid_query_string", path);
        }

        foreach (var path in (string[])["/clients/", "/connections/", "/resource-servers/", "/client-grants/", "/users/"])
        {
            (await _host.SendAsync("GET", path + value)).Status.ShouldBeOneOf(404, 400);
        }

        (await _host.SendAsync("GET", "/clients")).Body.ShouldBeOfType<JsonArray>().Count.ShouldBe(8);
    }

    [Fact]
    public async Task T_EN_12_hostile_texts_in_every_parameter_of_every_list_break_nothing()
    {
        string[] texts = ["' OR '1'='1", "\"; DROP TABLE audit; --", "%' UNION SELECT * FROM audit --", "\\'; SELECT pg_sleep(5)--", "[* TO *]", "((((", "a:b:c:\"", "_exists_:", "$where", "{\"$gt\":\"\"}", "\u202e\uffff", "*?*?*?"];
        string[] names = ["q", "search", "sort", "fields", "include_fields", "include_totals", "page", "per_page", "from", "take", "connection", "client_id", "user_id", "search_engine", "email"];
        foreach (var path in (string[])["/users", "/logs", "/users/auth0%7C1/logs", "/users-by-email", "/refresh-tokens", "/client-grants", "/connections", "/token-exchange-profiles", "/keys/encryption", "/log-streams"])
        {
            foreach (var name in names)
            {
                foreach (var text in texts)
                {
                    var reply = await _host.SendAsync("GET", $"{path}?{name}={Uri.EscapeDataString(text)}");
                    reply.Status.ShouldBeOneOf([200, 400, 404], $"{path} {name} {text}");
                }
            }
        }

        (await _host.SendAsync("GET", "/logs?per_page=1&include_totals=true")).Body!["total"]!.GetValue<int>().ShouldBeGreaterThan(0);
    }

    public sealed class EightClients : IAsyncLifetime
    {
        internal ManagementHost Host { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Host = await ManagementHost.StartAsync();

            // With the bootstrap client there are eight.
            for (var i = 0; i < 7; i++)
            {
                await Host.CreateClientAsync(i % 2 == 0 ? "spa" : "regular_web");
            }
        }

        public async Task DisposeAsync() => await Host.DisposeAsync();
    }
}
