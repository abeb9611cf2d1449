using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Sessions;

/// <summary>How long refresh tokens live, where they are exchanged at the vault. These tests move the clock.</summary>
public sealed class RefreshLifetimeTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task The_exchange_keeps_a_token_alive_and_not_beyond_its_idle_time()
    {
        var user = await UserAsync("idle", new JsonObject { ["expiration_type"] = "expiring", ["idle_token_lifetime"] = 1000, ["token_lifetime"] = 100_000 });
        for (var use = 0; use < 5; use++)
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(850));
            (await user.ExchangeAsync("idle")).Status.ShouldBe(200);
        }

        scene.Clock.Advance(TimeSpan.FromSeconds(1001));
        (await user.ExchangeAsync("idle")).ShouldBeRefused(403, "invalid_grant");
        (await user.Application.RefreshAsync(user.RefreshToken)).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task It_ends_at_last_however_often_it_is_exchanged()
    {
        var user = await UserAsync("absolute", new JsonObject { ["expiration_type"] = "expiring", ["idle_token_lifetime"] = 1000, ["token_lifetime"] = 1500 });
        scene.Clock.Advance(TimeSpan.FromSeconds(800));
        (await user.ExchangeAsync("absolute")).Status.ShouldBe(200);
        scene.Clock.Advance(TimeSpan.FromSeconds(701));
        (await user.ExchangeAsync("absolute")).ShouldBeRefused(403, "invalid_grant");
    }

    [Fact]
    public async Task The_exchange_writes_the_use_down_once_in_a_tenth_of_the_idle_time()
    {
        var user = await UserAsync("writes", new JsonObject { ["expiration_type"] = "expiring", ["idle_token_lifetime"] = 1000, ["token_lifetime"] = 100_000 });
        await user.ExchangeAsync("writes");
        var before = (await RowAsync(user)).Version;
        for (var use = 0; use < 20; use++)
        {
            (await user.ExchangeAsync("writes")).Status.ShouldBe(200);
        }

        scene.Clock.Advance(TimeSpan.FromSeconds(99));
        await user.ExchangeAsync("writes");
        (await RowAsync(user)).Version.ShouldBe(before);
        scene.Clock.Advance(TimeSpan.FromSeconds(2));
        await user.ExchangeAsync("writes");
        (await RowAsync(user)).Version.ShouldBe(before + 1);
    }

    [Theory]
    [InlineData("""{"expiration_type":"non-expiring"}""", null, null)]
    [InlineData("""{"expiration_type":"expiring","token_lifetime":500,"idle_token_lifetime":300}""", 300, 500)]
    [InlineData("""{"expiration_type":"expiring","token_lifetime":500,"infinite_idle_token_lifetime":true}""", null, 500)]
    [InlineData("""{"expiration_type":"expiring","infinite_token_lifetime":true,"idle_token_lifetime":300}""", 300, null)]
    [InlineData("""{"rotation_type":"rotating","expiration_type":"expiring","token_lifetime":500,"idle_token_lifetime":300,"leeway":10}""", 300, 500)]
    public async Task Administrators_see_both_ends_until_the_token_is_gone(string settings, int? idle, int? absolute)
    {
        var admin = await scene.AdminAsync();
        var app = new Application(scene.Vault.Api, await admin.CreateApplicationAsync("Seen", new JsonObject { ["refresh_token"] = JsonNode.Parse(settings) }));
        var now = scene.Clock.GetUtcNow();
        var user = await scene.NewUserAsync(app);
        var path = $"refresh-tokens?user_id={Uri.EscapeDataString(user.Id)}";
        var shown = (await admin.GetAsync(path)).Json["refresh_tokens"]!.AsArray().Single()!;

        Seconds(shown["idle_expires_at"]).ShouldBe(idle);
        Seconds(shown["expires_at"]).ShouldBe(absolute);
        ((string?)shown["session_id"])!.ShouldStartWith("sess_");
        if ((idle ?? absolute) is { } end)
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(end + 1));
            (await admin.GetAsync(path)).Json["refresh_tokens"]!.AsArray().ShouldBeEmpty();
            (await app.RefreshAsync(user.RefreshToken)).ShouldBeRefused(403, "invalid_grant");
        }

        int? Seconds(JsonNode? date) => date is null ? null : (int)(DateTimeOffset.Parse((string)date!, System.Globalization.CultureInfo.InvariantCulture) - now).TotalSeconds;
    }

    private async Task<TestUser> UserAsync(string connection, JsonObject settings)
    {
        var scopes = new JsonArray("create:me:connected_accounts", "read:me:connected_accounts", "delete:me:connected_accounts");
        settings["policies"] = new JsonArray(new JsonObject { ["audience"] = scene.Vault.Issuer + "me/", ["scope"] = scopes });
        var app = new Application(scene.Vault.Api, await (await scene.AdminAsync()).CreateApplicationAsync(connection, new JsonObject { ["refresh_token"] = settings }));
        await scene.AddConnectionAsync(connection, more: app.Credentials);
        var user = await scene.NewUserAsync(app);
        await user.ConnectAsync(connection);
        return user;
    }

    private async Task<RefreshToken> RowAsync(TestUser user) =>
        (await scene.Storage.ListAllAsync<RefreshToken>(EntityKey.Index("user", user.Id), CancellationToken.None)).Single();
}
