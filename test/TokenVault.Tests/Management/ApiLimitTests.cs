using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Demo;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Testing;

namespace TokenVault.Tests.Management;

/// <summary>How much one caller may ask for, and what the headers say of it.</summary>
public sealed class ApiLimitTests
{
    [Fact]
    public async Task A_caller_who_asks_too_often_waits_as_the_headers_say_and_the_log_says_it_once()
    {
        await using var vault = await TestVault.StartAsync(new Dictionary<string, string?> { ["TokenVault:Api:RequestsPerSecond"] = "3" });
        var admin = await Operator.SignInAsync(vault.Api, vault.Bootstrap);
        var reset = vault.Clock.GetUtcNow().ToUnixTimeSeconds() + 1;
        for (var remaining = 2; remaining >= 0; remaining--)
        {
            var answer = await admin.GetAsync("clients");
            answer.Status.ShouldBe(200);
            Limits(answer).ShouldBe(("3", $"{remaining}", $"{reset}"));
            answer.Headers.RetryAfter.ShouldBeNull();
        }

        for (var i = 0; i < 2; i++)
        {
            var refused = await admin.GetAsync("clients");
            refused.Text.ShouldBe("""{"statusCode":429,"error":"Too Many Requests","message":"Global limit has been reached","errorCode":"too_many_requests"}""");
            refused.Status.ShouldBe(429);
            Limits(refused).ShouldBe(("3", "0", $"{reset}"));
            refused.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
        }

        vault.Clock.Advance(TimeSpan.FromSeconds(1));
        (await admin.GetAsync("logs?q=type:api_limit")).Json.AsArray().ShouldHaveSingleItem()!["client_id"]!.GetValue<string>()
            .ShouldBe((string?)vault.Bootstrap["client_id"]);
    }

    [Fact]
    public async Task The_my_account_api_counts_each_user_for_themselves()
    {
        await using var vault = await TestVault.StartAsync(new Dictionary<string, string?> { ["TokenVault:Api:RequestsPerSecond"] = "1" });
        var admin = await Operator.SignInAsync(vault.Api, vault.Bootstrap);
        var first = await TokenAsync(vault, admin, "first@example.com", "me/", Wire.ReadConnectedAccounts);
        vault.Clock.Advance(TimeSpan.FromSeconds(1));
        var second = await TokenAsync(vault, admin, "second@example.com", "me/", Wire.ReadConnectedAccounts);

        (await AccountsAsync(first)).Status.ShouldBe(200);
        var refused = await AccountsAsync(first);
        (refused.Status, refused["title"], refused.Headers.RetryAfter!.Delta).ShouldBe((429, "Too Many Requests", TimeSpan.FromSeconds(1)));
        Limits(refused).ShouldBe(("1", "0", $"{vault.Clock.GetUtcNow().ToUnixTimeSeconds() + 1}"));
        (await AccountsAsync(second)).Status.ShouldBe(200);

        Task<Answer> AccountsAsync(string token) => vault.Api.SendAsync(HttpMethod.Get, "me/v1/connected-accounts/accounts", token);
    }

    [Fact]
    public async Task The_mcp_server_counts_each_user_for_themselves()
    {
        await using var vault = await TestVault.StartAsync(new Dictionary<string, string?>
        {
            ["TokenVault:Api:RequestsPerSecond"] = "1",
            ["TokenVault:Mcp:Enabled"] = "true",
        });
        var admin = await Operator.SignInAsync(vault.Api, vault.Bootstrap);
        await admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = (string?)vault.Bootstrap["client_id"],
            ["audience"] = vault.Issuer + "mcp",
            ["scope"] = new JsonArray(Wire.ReadConnectedAccounts),
            ["subject_type"] = "user",
        });
        vault.Clock.Advance(TimeSpan.FromSeconds(1));
        var first = await TokenAsync(vault, admin, "first@example.com", "mcp", Wire.ReadConnectedAccounts);
        vault.Clock.Advance(TimeSpan.FromSeconds(1));
        var second = await TokenAsync(vault, admin, "second@example.com", "mcp", Wire.ReadConnectedAccounts);

        (await ToolsAsync(first)).Status.ShouldBe(200);
        var refused = await ToolsAsync(first);
        (refused.Status, refused["error"], refused.Headers.RetryAfter!.Delta).ShouldBe((429, "too_many_requests", TimeSpan.FromSeconds(1)));
        Limits(refused).ShouldBe(("1", "0", $"{vault.Clock.GetUtcNow().ToUnixTimeSeconds() + 1}"));
        (await ToolsAsync(second)).Status.ShouldBe(200);

        Task<Answer> ToolsAsync(string token) =>
            vault.Api.SendAsync(HttpMethod.Post, "mcp", token, new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = "tools/list" });
    }

    [Fact]
    public async Task What_breaks_is_an_entry_of_the_log_also_where_something_was_only_read()
    {
        await using var vault = await TestVault.StartAsync();
        var admin = await Operator.SignInAsync(vault.Api, vault.Bootstrap);
        await vault.Storage.CommitAsync(new Batch().Add(new InsertOperation(new Entity("client", "broken", 0, null, [], []))));

        (await admin.GetAsync("clients/broken")).Status.ShouldBe(500);

        var entry = (await admin.GetAsync("logs?q=type:fapi")).Json.AsArray().ShouldHaveSingleItem()!;
        ((string?)entry["client_id"], (int)entry["details"]!["response"]!["status_code"]!).ShouldBe(((string?)vault.Bootstrap["client_id"], 500));
    }

    [Fact]
    public async Task T_DO_05_Searches_of_a_long_log_wait_for_one_another_and_answer_with_what_they_went_through()
    {
        await using var vault = await TestVault.StartAsync();
        var admin = await Operator.SignInAsync(vault.Api, vault.Bootstrap);
        var row = vault.Service<AuditLog>();
        for (var written = 0; written < 101_000; written += 1_000)
        {
            var batch = new Batch();
            for (var i = 0; i < 1_000; i++)
            {
                batch.Append(row.Row(new AuditEvent { Type = AuditType.SuccessfulLogout }));
            }

            await vault.Storage.CommitAsync(batch);
        }

        const string nothing = "logs?q=type:nothing";
        (await admin.GetAsync(nothing)).Status.ShouldBe(400);
        var totals = await admin.GetAsync(nothing + "&include_totals=true");
        totals.Text.ShouldBe("""{"start":0,"limit":50,"length":0,"total":0,"logs":[],"partial":true}""");

        // Auth0's own figure: a thousand, of which the first page is at hand.
        var many = await admin.GetAsync("logs?q=type:slo&include_totals=true&per_page=1");
        ((int)many.Json["total"]!, many.Json["partial"]).ShouldBe((1000, null));

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => admin.GetAsync(nothing)));
        answers.Select(answer => answer.Status).Distinct().Order().ShouldBe([400, 429]);
        answers.ShouldAllBe(answer => answer.Status == 400 || answer.Headers.RetryAfter != null);
    }

    private static async Task<string> TokenAsync(TestVault vault, Operator admin, string email, string audience, string scope)
    {
        var user = await admin.CreateUserAsync(email, "correct horse battery");
        var claims = new AccessTokenClaims((string)vault.Bootstrap["client_id"]!, vault.Issuer + audience, [scope], TimeSpan.FromHours(1));
        return vault.Service<AccessTokens>().Issue(claims with { UserId = user }).Reveal();
    }

    private static (string, string, string) Limits(Answer answer) =>
        (answer.Headers.GetValues("x-ratelimit-limit").Single(), answer.Headers.GetValues("x-ratelimit-remaining").Single(), answer.Headers.GetValues("x-ratelimit-reset").Single());
}
