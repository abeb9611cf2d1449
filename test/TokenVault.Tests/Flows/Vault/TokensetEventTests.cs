using TokenVault.Server.Http;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>What the audit log, and so every log stream, tells of tokensets that need their user soon, or no longer.</summary>
public sealed class TokensetEventTests(VaultScene scene) : IClassFixture<VaultScene>
{
    private const string ExpiresSoon = "tokenset_expires_soon";

    [Fact]
    public async Task Without_a_refresh_token_the_end_of_the_access_token_is_told_once_and_in_time()
    {
        scene.Provider.Redemption.Next(Fault.NoRefreshToken());
        var user = await scene.ConnectedUserAsync();
        var tokenset = await TokensetAsync(user);
        var end = tokenset.AccessTokenExpiresAt!.Value;

        await ToldAsync(user, TimeSpan.FromSeconds(30));

        var now = scene.Clock.GetUtcNow();
        var told = (await scene.AuditAsync(ExpiresSoon, user.Id)).ShouldHaveSingleItem();
        (end - now).ShouldBeInRange(TimeSpan.FromMinutes(8), TimeSpan.FromMinutes(12));
        ((string?)told["connection"]).ShouldBe(VaultScene.Calendar);
        ((string?)told["details"]!["tokenset_id"]).ShouldBe(tokenset.Id);
        ((string?)told["details"]!["connected_account_id"]).ShouldBe(tokenset.AccountId);
        ((string?)told["details"]!["expires_at"]).ShouldBe(WireJson.Date(end));

        await LookAgainAsync();
        (await scene.AuditAsync(ExpiresSoon, user.Id)).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("refresh_token_expires_in")]
    [InlineData("refresh_expires_in")]
    public async Task Where_the_provider_says_when_the_refresh_token_ends_that_is_told_three_days_before_and_a_new_end_is_told_anew(string member)
    {
        var days = 20;
        var fault = Fault.Rewriting((answer, _) => answer[member] = 86_400 * days);
        scene.Provider.Redemption.Next(fault);
        var user = await scene.ConnectedUserAsync();
        var end = (await TokensetAsync(user)).RefreshTokenExpiresAt!.Value;
        (end - scene.Clock.GetUtcNow()).ShouldBeInRange(TimeSpan.FromDays(19.9), TimeSpan.FromDays(20));

        scene.Clock.Jump(TimeSpan.FromDays(16.8));
        (await scene.AuditAsync(ExpiresSoon, user.Id)).ShouldBeEmpty();
        await ToldAsync(user, TimeSpan.FromMinutes(10));
        (end - scene.Clock.GetUtcNow()).ShouldBeInRange(TimeSpan.FromDays(2.9), TimeSpan.FromDays(3));

        days = 40;
        scene.Provider.Refresh.Next(fault);
        await user.SignInAsync();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        (await TokensetAsync(user)).RefreshTokenExpiresAt!.Value.ShouldBeGreaterThan(end.AddDays(30));
        scene.Clock.Jump(TimeSpan.FromDays(36.8));
        await ToldAsync(user, TimeSpan.FromMinutes(10), times: 2);
    }

    [Fact]
    public async Task Of_a_tokenset_that_can_be_refreshed_for_ever_no_end_is_told()
    {
        var user = await scene.ConnectedUserAsync();
        (await TokensetAsync(user)).EndsAt.ShouldBeNull();
        scene.EndAccessTokens();
        await LookAgainAsync();
        (await scene.AuditAsync(ExpiresSoon, user.Id)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_grant_that_the_provider_withdrew_and_the_user_gives_again_has_died_and_recovered()
    {
        var user = await scene.ConnectedUserAsync(person: "lazarus");
        scene.EndAccessTokens();
        scene.Provider.Refresh.Next(Fault.Error(400, "invalid_grant"));
        (await user.ExchangeAsync())["reason"].ShouldBe("reauthorization_required");
        var died = (await scene.AuditAsync("tokenset_died", user.Id)).ShouldHaveSingleItem();
        (await scene.AuditAsync("tokenset_recovered", user.Id)).ShouldBeEmpty();

        await user.ConnectAsync(person: "lazarus");

        (await user.ExchangeAsync()).Status.ShouldBe(200);
        var recovered = (await scene.AuditAsync("tokenset_recovered", user.Id)).ShouldHaveSingleItem();
        ((string?)recovered["details"]!["tokenset_id"]).ShouldBe((string?)died["details"]!["tokenset_id"]);

        // Connecting once more recovers nothing.
        await user.ConnectAsync(person: "lazarus");
        (await scene.AuditAsync("tokenset_recovered", user.Id)).ShouldHaveSingleItem();
    }

    private async Task<Tokenset> TokensetAsync(TestUser user) =>
        (await scene.Storage.ListAllAsync<Tokenset>(EntityKey.Index("user", user.Id), CancellationToken.None)).ShouldHaveSingleItem();

    private Task ToldAsync(TestUser user, TimeSpan step, int times = 1) =>
        VaultScene.UntilAsync(async () => (await scene.AuditAsync(ExpiresSoon, user.Id)).Count == times, () => scene.Clock.Jump(step));

    /// <summary>Another tokenset's warning comes after a look that would have told of the first once more.</summary>
    private async Task LookAgainAsync()
    {
        scene.Provider.Redemption.Next(Fault.Rewriting((answer, _) => answer["refresh_token_expires_in"] = 600));
        await ToldAsync(await scene.ConnectedUserAsync(), TimeSpan.FromSeconds(30));
    }
}
