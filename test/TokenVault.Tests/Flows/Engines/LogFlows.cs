using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using TokenVault.Server;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using TokenVault.Tests.LogStreams;
using TokenVault.Tests.Needs;
using TokenVault.Tests.Storage;

namespace TokenVault.Tests.Flows.Engines;

/// <summary>The audit log from outside: events of every kind, read back by the Management API and verified from the command line.</summary>
public abstract class LogFlows : IAsyncLifetime
{
    private TestVault _vault = null!;
    private Operator _admin = null!;

    public async Task InitializeAsync()
    {
        _vault = await TestVault.StartAsync(await SettingsAsync());
        _admin = await Operator.SignInAsync(_vault.Api, _vault.Bootstrap);
    }

    public async Task DisposeAsync()
    {
        await _vault.DisposeAsync();
        await RemoveAsync();
    }

    [Fact]
    public async Task Entries_are_found_by_id_by_user_by_search_and_page_by_page()
    {
        var (user, other) = (await SignedInAsync(), await SignedInAsync());

        var page = await _admin.GetAsync("logs?page=0&per_page=5&include_totals=true");
        page.Status.ShouldBe(200, page.Text);
        ((int)page.Json["total"]!).ShouldBeGreaterThan(8);
        ((int)page.Json["length"]!).ShouldBe(5);
        var newest = page.Json["logs"]![0]!;
        Ids(page.Json["logs"]!).ShouldBe(Ids(page.Json["logs"]!).OrderDescending(StringComparer.Ordinal));

        var one = await _admin.GetAsync("logs/" + (string?)newest["log_id"]);
        one.Json.ToJsonString().ShouldBe(newest.ToJsonString());
        (await _admin.GetAsync("logs/900nope")).Status.ShouldBe(404);

        var path = $"users/{Uri.EscapeDataString(user)}/logs";
        var own = (await _admin.GetAsync(path + "?sort=date:1")).Json.AsArray();
        own.ShouldAllBe(entry => (string?)entry!["user_id"] == user);
        own.Select(entry => (string?)entry!["type"]).ShouldBe(["s", "seacft"], ignoreOrder: true);
        ((string?)own[0]!["references"]!["trace_id"]).ShouldNotBeNull().Length.ShouldBe(32);
        ((string?)own[0]!["tenant_name"]).ShouldBe("localhost");
        ((string?)own.Single(entry => (string?)entry!["type"] == "seacft")!["client_name"]).ShouldBe("Application");

        foreach (var (search, expected) in new[]
        {
            ($"type:seacft AND user_id:\"{user}\"", 1), ("type:seacft", 2), ("type:(x", -1), ($"user_id:\"{other}\" AND NOT type:s", 1), ("type:s OR type:seacft", 4),
            ("date:[2029-01-01 TO 2029-12-31]", 0), ("type:s AND date:[2030-01-01 TO 2030-12-31]", 2),
        })
        {
            var found = await _admin.GetAsync("logs?include_totals=true&q=" + Uri.EscapeDataString(search));
            if (expected < 0)
            {
                found.Status.ShouldBe(400);
                continue;
            }

            ((int)found.Json["total"]!).ShouldBe(expected, search);
        }

        (await _admin.GetAsync("logs?sort=type:1")).Status.ShouldBe(400);
        (await _admin.GetAsync("logs?fields=type,log_id&per_page=1")).Json[0]!.AsObject().Select(member => member.Key).ShouldBe(["log_id", "type"]);
    }

    [Fact]
    public async Task A_reader_that_goes_on_from_its_last_entry_misses_none_and_sees_none_twice()
    {
        var seen = new List<string>();
        var link = "logs?take=3";
        for (var i = 0; i < 40; i++)
        {
            if (i is 2 or 5)
            {
                await SignedInAsync();
            }

            var page = await _admin.GetAsync(link);
            page.Status.ShouldBe(200, page.Text);
            seen.AddRange(Ids(page.Json));
            var next = page.Headers.GetValues("Link").Single();
            next.ShouldEndWith("; rel=\"next\"");
            link = next[(next.IndexOf("/api/v2/", StringComparison.Ordinal) + 8)..next.IndexOf('>', StringComparison.Ordinal)];
        }

        var all = (await _vault.Storage.ReadAuditAsync(0, 1_000, CancellationToken.None)).Select(row => row.Id);
        seen.ShouldBe(all);
        (await _admin.GetAsync("logs?from=nonsense")).Status.ShouldBe(400);
        (await _admin.GetAsync("logs?from=9000001&take=1")).Json.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Refused_writes_and_failed_client_authentication_leave_their_trace_and_nothing_of_what_was_sent()
    {
        var app = await _admin.CreateApplicationAsync("Application");
        (await _admin.PostAsync("clients", new JsonObject { ["name"] = "x", ["planted-canary-member"] = "planted-canary-value" })).Status.ShouldBe(400);
        foreach (var (grant, type) in new[]
        {
            (Wire.ClientCredentials, "feccft"), (Wire.AuthorizationCode, "feacft"), (Wire.RefreshToken, "fertft"), (Wire.FederatedExchange, "feta"),
        })
        {
            await _vault.Api.FormAsync("oauth/token", new Dictionary<string, string>
            {
                ["grant_type"] = grant,
                ["client_id"] = app.ClientId,
                ["client_secret"] = "planted-canary-secret",
                ["subject_token_type"] = "planted-canary-type",
            });
            var entry = (await _admin.GetAsync("logs?q=type:" + type)).Json.AsArray().ShouldHaveSingleItem()!;
            ((string?)entry["client_id"]).ShouldBe(app.ClientId);
        }

        await _vault.Api.FormAsync("oauth/token", new Dictionary<string, string> { ["grant_type"] = Wire.ClientCredentials, ["client_id"] = "planted-canary-client", ["client_secret"] = "x" });
        var unknown = (await _admin.GetAsync("logs?q=" + Uri.EscapeDataString("type:feccft AND NOT _exists_:client_id"))).Json.AsArray();
        ((string?)unknown.ShouldHaveSingleItem()!["description"]).ShouldBe("Unknown client");
        var refused = (await _admin.GetAsync("logs?q=type:fapi")).Json.AsArray().ShouldHaveSingleItem()!;
        ((int)refused["details"]!["response"]!["status_code"]!).ShouldBe(400);
        (await _admin.GetAsync("logs?per_page=100")).Text.ShouldNotContain("planted-canary");
    }

    [Fact]
    public async Task T_AU_03_The_log_of_a_server_that_ran_verifies_beside_it_and_names_what_was_changed()
    {
        await SignedInAsync();
        await _vault.RestartAsync();
        await SignedInAsync();
        (await VerifyAsync(0)).ShouldContain("; 0 findings.");

        await ExecuteAsync("DELETE FROM audit WHERE sequence = 2");
        var found = await VerifyAsync(1);
        found.ShouldContain("found: row 2 is missing\n");
        found.ShouldContain("; 1 findings.");
    }

    [Fact]
    public async Task A_stream_goes_on_after_a_restart_in_the_middle_of_a_delivery_without_loss_and_in_order()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await LogStreamTests.CreateAsync(_admin, receiver.Address);
        var begin = (await _vault.Storage.ReadAuditAsync(0, 1_000, CancellationToken.None))[^1].Sequence;
        await SignedInAsync();
        await Flows.Vault.VaultScene.UntilAsync(() => Task.FromResult(receiver.Accepted.Count > 0));
        receiver.Status = 500;
        await SignedInAsync();

        // In the middle of a delivery: the receiver has it all, and has not answered.
        receiver.Status = 0;
        var calls = receiver.Calls;
        await Flows.Vault.VaultScene.UntilAsync(
            () => Task.FromResult(receiver.Calls > calls), () => _vault.Clock.Advance(TimeSpan.FromMilliseconds(200)));
        await _vault.RestartAsync();
        receiver.Status = 204;
        await SignedInAsync();
        var wanted = (await _vault.Storage.ReadAuditAsync(begin, 1_000, CancellationToken.None)).Select(row => row.Id).ToList();
        await Flows.Vault.VaultScene.UntilAsync(
            () => Task.FromResult(Delivered().Count() == wanted.Count), () => _vault.Clock.Advance(TimeSpan.FromMilliseconds(200)));

        // At least once: what was under way at the restart may be there twice, but then in its place.
        Delivered().ShouldBe(wanted);

        IEnumerable<string> Delivered() => LogStreamTests.Entries(receiver).Select(entry => (string)entry["log_id"]!).Distinct().Where(wanted.Contains);
    }

    private protected abstract Task<IReadOnlyDictionary<string, string?>> SettingsAsync();

    private protected abstract Task ExecuteAsync(string sql);

    private protected string DataDirectory => _vault.DataDirectory;

    private protected virtual Task RemoveAsync() => Task.CompletedTask;

    private static List<string> Ids(JsonNode logs) => [.. logs.AsArray().Select(entry => (string)entry!["log_id"]!)];

    private async Task<string> SignedInAsync()
    {
        var admin = await Operator.SignInAsync(_vault.Api, _vault.Bootstrap);
        var app = new Application(_vault.Api, await admin.CreateApplicationAsync("Application"));
        var (email, password) = (Identifier.ConnectedAccount().ToLowerInvariant() + "@example.com", Identifier.Secret());
        var user = await admin.CreateUserAsync(email, password);
        using var browser = _vault.NewBrowser();
        var answer = await app.SignInAsync(browser, email, password, audience: _vault.Issuer + "me/", scope: "openid");
        answer.Status.ShouldBe(200, answer.Text);
        return user;
    }

    private async Task<string> VerifyAsync(int code)
    {
        await using var output = new StringWriter { NewLine = "\n" };
        var settings = new Dictionary<string, string?>(await SettingsAsync()) { ["TokenVault:DataDirectory"] = _vault.DataDirectory };
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        (await AuditCommand.RunAsync(["verify"], output, configuration)).ShouldBe(code, output.ToString());
        return output.ToString();
    }
}

public sealed class SqliteLogFlows : LogFlows
{
    private protected override Task<IReadOnlyDictionary<string, string?>> SettingsAsync() =>
        Task.FromResult<IReadOnlyDictionary<string, string?>>(new Dictionary<string, string?>());

    private protected override Task ExecuteAsync(string sql)
    {
        using var connection = Server.Storage.Sqlite.SqliteConnection.OpenWriter(Path.Combine(DataDirectory, "vault.db"));
        connection.Execute(sql);
        return Task.CompletedTask;
    }
}

[NeedsPostgres]
public sealed class PostgresLogFlows : LogFlows
{
    private PostgresDatabase? _database;

    private protected override async Task<IReadOnlyDictionary<string, string?>> SettingsAsync()
    {
        _database ??= await PostgresDatabase.CreateAsync();
        return new Dictionary<string, string?> { ["TokenVault:Storage:ConnectionString"] = _database.ConnectionString };
    }

    private protected override Task ExecuteAsync(string sql) => _database!.ExecuteAsync(sql);

    private protected override async Task RemoveAsync() => await _database!.DisposeAsync();
}
