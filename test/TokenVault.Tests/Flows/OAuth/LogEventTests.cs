using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.OAuth;

/// <summary>Entries of the kinds that no other test looks for, as the Management API shows them.</summary>
public sealed class LogEventTests(OAuthVault vault) : IClassFixture<OAuthVault>
{
    [Fact]
    public async Task A_rotated_token_that_comes_back_is_logged_as_its_user_and_clients()
    {
        var first = (await vault.SignInAsync(vault.Spa))["refresh_token"]!;
        var second = (await vault.RefreshAsync(vault.Spa, first))["refresh_token"]!;
        (await vault.RefreshAsync(vault.Spa, first)).ShouldBeRefused(403, "invalid_grant");

        var entry = await OnlyAsync("ferrt");
        ((string?)entry["user_id"]).ShouldBe(vault.UserId);
        ((string?)entry["client_id"]).ShouldBe(vault.Spa.Credentials.ClientId);
        entry.ToJsonString().ShouldNotContain(first);
        entry.ToJsonString().ShouldNotContain(second);
    }

    [Fact]
    public async Task A_token_that_its_client_revokes_is_logged()
    {
        var token = (await vault.SignInAsync(vault.Web))["refresh_token"]!;
        await vault.Api.FormAsync("oauth/revoke", new Dictionary<string, string>
        {
            ["client_id"] = vault.Web.Credentials.ClientId,
            ["client_secret"] = vault.Web.Credentials.ClientSecret!,
            ["token"] = token,
        });

        var entry = await OnlyAsync("srrt");
        ((string?)entry["user_id"]).ShouldBe(vault.UserId);
        ((string?)entry["client_name"]).ShouldBe("Calendar");
        entry.ToJsonString().ShouldNotContain(token);
    }

    [Fact]
    public async Task A_wrong_password_is_logged_with_the_user_it_was_tried_for_and_not_with_what_was_typed()
    {
        using var browser = vault.Server.NewBrowser();
        var page = await browser.GoAsync(vault.AuthorizeUrl(vault.Web));
        await browser.SubmitAsync(
            page, new Dictionary<string, string> { ["username"] = OAuthVault.Email, ["password"] = "planted-canary-password" }, Operator.Callback);

        var entry = await OnlyAsync("fp");
        ((string?)entry["user_id"]).ShouldBe(vault.UserId);
        ((string?)entry["user_name"]).ShouldBe(OAuthVault.Email);
        entry.ToJsonString().ShouldNotContain("planted-canary");
    }

    [Fact]
    public async Task A_name_that_nobody_has_is_logged_but_not_the_name()
    {
        using var browser = vault.Server.NewBrowser();
        await TryAsync(browser, "planted-canary-name@example.com");

        var entry = await OnlyAsync("fu");
        ((string?)entry["strategy"]).ShouldBe("auth0");
        entry["user_id"].ShouldBeNull();
        entry.ToJsonString().ShouldNotContain("planted-canary");
    }

    [Fact]
    public async Task A_sign_out_that_is_refused_is_logged_with_the_client_and_not_with_what_it_asked_for()
    {
        (await vault.GetAsync($"v2/logout?client_id={vault.Web.Credentials.ClientId}&returnTo=https%3A%2F%2Fplanted-canary.example%2F")).ShouldBeErrorPage();

        var entry = await OnlyAsync("flo");
        ((string?)entry["client_id"], (string?)entry["client_name"]).ShouldBe((vault.Web.Credentials.ClientId, "Calendar"));
        entry.ToJsonString().ShouldNotContain("planted-canary");
    }

    [Fact]
    public async Task Limits_of_sign_ins_and_of_the_token_endpoint_are_logged_once_while_they_hold()
    {
        var own = new OAuthVault();
        await own.InitializeAsync();
        using var browser = own.Server.NewBrowser();
        for (var i = 0; i < 13; i++)
        {
            await TryAsync(browser, OAuthVault.Email, own);
            await own.Api.FormAsync("oauth/token", new Dictionary<string, string>
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = own.Web.Credentials.ClientId,
                ["client_secret"] = "planted-canary-secret",
            });
        }

        for (var i = 0; i < 60; i++)
        {
            await TryAsync(browser, $"other{i}@example.com", own);
        }

        var entries = (await own.Admin.GetAsync("logs?per_page=100&q=" + Uri.EscapeDataString("type:limit_wc OR type:limit_mu OR type:api_limit"))).Json.AsArray();
        entries.Select(entry => (string?)entry!["type"]).ShouldBe(["limit_wc", "limit_mu", "api_limit"], ignoreOrder: true);
        ((string?)entries.Single(entry => (string?)entry!["type"] == "api_limit")!["client_id"]).ShouldBe(own.Web.Credentials.ClientId);
        entries.ToJsonString().ShouldNotContain("planted-canary");
        await own.DisposeAsync();
    }

    [Theory]
    [InlineData("""{"name":"auth0-spa-js","version":"2.1.3","env":{"node":"v22.1.0","secret":"planted canary <x>"},"more":"planted-canary"}""", """{"name":"auth0-spa-js","version":"2.1.3","env":{"node":"v22.1.0","secret":null}}""")]
    [InlineData("""{"name":["planted-canary"],"version":"1"}""", """{"version":"1"}""")]
    [InlineData("""["planted-canary"]""", null)]
    [InlineData("planted-canary", null)]
    [InlineData("""{"name":"planted-canary'","version":"1\n"}""", null)]
    [InlineData("""{"name":"\ud800planted-canary"}""", null)]
    public async Task Entries_say_which_sdk_called_with_which_mark_and_where(string told, string? shown)
    {
        var mark = "txn_" + Guid(told);
        using var request = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + "api/v2/clients");
        request.Headers.Authorization = new("Bearer", vault.Admin.Token);
        request.Headers.Add("Auth0-Client", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(told)).TrimEnd('=').Replace('+', '-').Replace('/', '_'));
        request.Headers.Add("X-Correlation-ID", mark);
        request.Headers.Add("User-Agent", "Mozilla/5.0 (iPhone) Mobile/15E148");
        request.Content = new StringContent("""{"name":"made by an SDK"}""", System.Text.Encoding.UTF8, "application/json");
        (await vault.SendAsync(request)).Status.ShouldBe(201);

        var entry = (await vault.Admin.GetAsync("logs?q=" + Uri.EscapeDataString($"references.correlation_id:\"{mark}\""))).Json.AsArray().ShouldHaveSingleItem()!;
        entry["auth0_client"]?.ToJsonString().ShouldBe(shown);
        ((string?)entry["environment_name"]).ShouldBe("production");
        ((string?)entry["hostname"]).ShouldBe(new Uri(vault.Issuer).Authority);
        ((bool)entry["isMobile"]!).ShouldBeTrue();
        entry.ToJsonString().ShouldNotContain("planted");
    }

    [Theory]
    [InlineData("planted canary")]
    [InlineData("planted-canary-that-is-longer-than-the-sixty-four-characters-of-the-field")]
    [InlineData("planted<canary>")]
    public async Task A_mark_of_another_form_is_nothing_for_the_log(string mark)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, vault.Issuer + "api/v2/clients");
        request.Headers.Authorization = new("Bearer", vault.Admin.Token);
        request.Headers.Add("X-Correlation-ID", mark);
        request.Content = new StringContent("""{"name":"marked"}""", System.Text.Encoding.UTF8, "application/json");
        (await vault.SendAsync(request)).Status.ShouldBe(201);

        (await vault.Admin.GetAsync("logs?per_page=5")).Text.ShouldNotContain("planted");
    }

    [Fact]
    public async Task A_read_that_is_not_allowed_is_logged()
    {
        var reader = await vault.ClientAsync("Nearly powerless", new JsonObject { ["app_type"] = "non_interactive", ["grant_types"] = new JsonArray("client_credentials") });
        await vault.Admin.CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = reader.Credentials.ClientId,
            ["audience"] = vault.Issuer + "api/v2/",
            ["scope"] = new JsonArray("read:connections"),
        });
        var token = (await vault.TokenAsync(reader, ("grant_type", "client_credentials"), ("audience", vault.Issuer + "api/v2/")))["access_token"];
        (await vault.GetAsync("api/v2/users/planted-canary", token)).Status.ShouldBe(403);

        var entry = (await vault.Admin.GetAsync("logs?q=" + Uri.EscapeDataString($"type:fapi AND client_id:{reader.Credentials.ClientId}"))).Json.AsArray().ShouldHaveSingleItem()!;
        ((string?)entry["description"], (int)entry["details"]!["response"]!["status_code"]!).ShouldBe(("Refused: insufficient_scope", 403));
    }

    [Fact]
    public async Task Reads_are_logged_where_that_is_wished_and_what_retention_removes_is_told()
    {
        await using var server = await TestVault.StartAsync(new Dictionary<string, string?>
        {
            ["TokenVault:Audit:ManagementReads"] = "true",
            ["TokenVault:Audit:RetentionDays"] = "2",
        });
        var admin = await Operator.SignInAsync(server.Api, server.Bootstrap);
        (await admin.GetAsync("clients?page=0")).Status.ShouldBe(200);
        var read = (await admin.GetAsync("logs?q=type:mgmt_api_read")).Json.AsArray().ShouldHaveSingleItem()!;
        ((string?)read["details"]!["request"]!["path"]).ShouldBe("/api/v2/clients");

        var batch = new Batch();
        for (var i = 0; i < 400; i++)
        {
            batch.Append(server.Service<AuditLog>().Row(new AuditEvent { Type = AuditType.SuccessfulLogout }));
        }

        (await server.Storage.CommitAsync(batch)).Committed.ShouldBeTrue();
        await VaultScene.UntilAsync(async () => await RetiredAsync() is not null, () => server.Clock.Jump(TimeSpan.FromHours(6)));
        ((string?)(await RetiredAsync())!["description"]).ShouldBe("Removed 256 entries older than 2 days");
        (await server.Storage.ReadAuditAsync(0, 1, CancellationToken.None))[0].Sequence.ShouldBe(257);

        async Task<JsonNode?> RetiredAsync() => (await server.Storage.ReadAuditAsync(0, 1_000, CancellationToken.None))
            .Select(row => JsonNode.Parse(row.Body)!).FirstOrDefault(entry => (string?)entry["type"] == "audit_retired");
    }

    private static string Guid(string told) => Server.Protocol.Identifier.Hash(told)[..16];

    private async Task TryAsync(Browser browser, string name, OAuthVault? where = null)
    {
        where ??= vault;
        var page = await browser.GoAsync(where.AuthorizeUrl(where.Web));
        await browser.SubmitAsync(
            page, new Dictionary<string, string> { ["username"] = name, ["password"] = "planted-canary-password" }, Operator.Callback);
    }

    private async Task<JsonNode> OnlyAsync(string type) => (await vault.Admin.GetAsync("logs?q=type:" + type)).Json.AsArray().ShouldHaveSingleItem()!;
}
