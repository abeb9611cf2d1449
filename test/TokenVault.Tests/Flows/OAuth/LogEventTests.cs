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
        await VaultScene.UntilAsync(async () => await RetiredAsync() is not null, () => server.Clock.Advance(TimeSpan.FromHours(6)));
        ((string?)(await RetiredAsync())!["description"]).ShouldBe("Removed 256 entries older than 2 days");
        (await server.Storage.ReadAuditAsync(0, 1, CancellationToken.None))[0].Sequence.ShouldBe(257);

        async Task<JsonNode?> RetiredAsync() => (await server.Storage.ReadAuditAsync(0, 1_000, CancellationToken.None))
            .Select(row => JsonNode.Parse(row.Body)!).FirstOrDefault(entry => (string?)entry["type"] == "audit_retired");
    }

    private async Task<JsonNode> OnlyAsync(string type) => (await vault.Admin.GetAsync("logs?q=type:" + type)).Json.AsArray().ShouldHaveSingleItem()!;
}
