using TokenVault.Server.Accounts;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>What a provider gave for a connect request that nobody completes.</summary>
public sealed class HeldGrantTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task T_CF_02_Tokens_that_nobody_completes_are_shredded_and_revoked()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        await grant.DisconnectAsync();
        await RevokedAsync(grant.User, 1);
        var (_, given) = await LeaveAsync(grant);
        grant.Provider.IsLive(given.AccessToken).ShouldBeTrue();

        await RevokedAsync(grant.User, 2);

        grant.Provider.IsLive(given.AccessToken).ShouldBeFalse();
        (await HeldAsync(grant.User)).ShouldBe(0);
    }

    [Fact]
    public async Task T_CF_02_Where_the_account_is_connected_already_its_grant_does_not_end_with_them()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var (_, given) = await LeaveAsync(grant);

        await scene.TickUntilAsync(async () => await HeldAsync(grant.User) == 0, TimeSpan.FromSeconds(5));

        await VaultScene.UntilAsync(async () => (await grant.RevocationsAsync()) is [{ State: RevocationState.Deferred }]);
        grant.Provider.Revocation.Calls.ShouldBe(0);
        scene.EndAccessTokens();
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        await grant.DisconnectAsync();
        await RevokedAsync(grant.User, 2);
        grant.Provider.IsLive(given.AccessToken).ShouldBeFalse();
    }

    [Fact]
    public async Task T_CF_02_What_a_provider_gave_outlasts_a_store_that_is_away_for_a_moment()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        await grant.DisconnectAsync();
        await RevokedAsync(grant.User, 1);
        var begun = await grant.User.BeginAsync(new() { ["connection"] = grant.Connection });
        using var database = SqliteConnection.OpenWriter(Path.Combine(scene.Vault.DataDirectory, "vault.db"));
        database.Execute("CREATE TRIGGER trouble BEFORE INSERT ON entity WHEN NEW.kind = 'held-grant' BEGIN SELECT RAISE(ABORT, 'trouble'); END");
        var visiting = grant.User.Browser.GoAsync(begun.Link, Operator.Callback);
        await VaultScene.UntilAsync(() => Task.FromResult(grant.Provider.Redemption.Calls == 2));
        database.Execute("DROP TRIGGER trouble");

        await scene.TickUntilAsync(() => Task.FromResult(visiting.IsCompleted));

        (await visiting)["connect_code"].ShouldNotBeNull();
    }

    [Fact]
    public async Task T_CF_09_A_connect_code_is_worth_nothing_once_its_tokens_are_given_back()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var (begun, code) = await BeginAsync(grant);

        await scene.TickUntilAsync(async () => await HeldAsync(grant.User) == 0, TimeSpan.FromSeconds(5));

        var late = await grant.User.MyAsync(HttpMethod.Post, VaultScene.Complete, await grant.User.MyTokenAsync(), begun.CompleteBody(code));
        VaultScene.Problem(late, 400);
    }

    [Fact]
    public async Task T_CF_09_Signing_out_ends_what_the_browser_had_under_way_and_keeps_nothing_for_later()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var (begun, code) = await BeginAsync(grant);
        var atProvider = await grant.User.BeginAsync(new() { ["connection"] = grant.Connection });
        var callback = (await grant.User.Browser.GoAsync(atProvider.Link, scene.Vault.Issuer + "login/callback/")).Url;
        await grant.User.Browser.GoAsync(scene.Vault.Issuer + "v2/logout");

        (await grant.User.Browser.GoAsync(callback, Operator.Callback)).Status.ShouldBe(400);
        var late = await grant.User.MyAsync(HttpMethod.Post, VaultScene.Complete, begun.Token, begun.CompleteBody(code));
        VaultScene.Problem(late, 400);
        await scene.TickUntilAsync(async () => await HeldAsync(grant.User) == 0, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task T_CF_08_What_is_pending_when_the_account_is_disconnected_is_revoked_too()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var (begun, given) = await LeaveAsync(grant);
        await grant.DisconnectAsync();

        await RevokedAsync(grant.User, 2);

        grant.Provider.IsLive(given.AccessToken).ShouldBeFalse();
        (await grant.User.MyAsync(HttpMethod.Post, VaultScene.Complete, begun.Token, begun.CompleteBody("any"))).Status.ShouldBe(400);
    }

    [Fact]
    public async Task T_CF_08_What_a_provider_gives_while_the_account_is_disconnected_is_nobodys_and_revoked()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var begun = await grant.User.BeginAsync(new() { ["connection"] = grant.Connection });
        var gate = new FakeGate();
        grant.Provider.Redemption.Next(Fault.Held(gate).AfterCommit());
        var back = grant.User.Browser.GoAsync(begun.Link, Operator.Callback);
        await gate.Entered;
        await grant.DisconnectAsync();

        gate.Release();

        (await back)["error"].ShouldBe("access_denied");
        await RevokedAsync(grant.User, 2);
        grant.Provider.IsLive(grant.Provider.Commits[^1].AccessToken).ShouldBeFalse();
        (await grant.ExchangeAsync())["reason"].ShouldBe("not_connected");
    }

    [Fact]
    public async Task T_UP_01_What_came_with_an_identity_that_is_not_valid_is_revoked()
    {
        var user = await scene.NewUserAsync();
        scene.Provider.Redemption.Next(Fault.IdTokenClaim("nonce", "replayed"));

        var visit = await user.Browser.GoAsync((await user.BeginAsync()).Link, Operator.Callback);

        visit["error"].ShouldBe("server_error");
        var given = scene.Provider.Commits[^1];
        await RevokedAsync(user, 1);
        scene.Provider.IsLive(given.AccessToken).ShouldBeFalse();
    }

    /// <summary>The application gets its connect code and does nothing with it.</summary>
    private static async Task<(PendingConnect Begun, SandboxCommit Given)> LeaveAsync(LoneGrant grant)
    {
        var (begun, _) = await BeginAsync(grant);
        return (begun, grant.Provider.Commits[^1]);
    }

    private static async Task<(PendingConnect Begun, string Code)> BeginAsync(LoneGrant grant)
    {
        var begun = await grant.User.BeginAsync(new() { ["connection"] = grant.Connection });
        var visit = await grant.User.Browser.GoAsync(begun.Link, Operator.Callback);
        return (begun, visit["connect_code"].ShouldNotBeNull());
    }

    private Task RevokedAsync(TestUser user, int tokens) => scene.TickUntilAsync(
        async () =>
        {
            var all = await scene.Storage.ListAllAsync<PendingRevocation>(PendingRevocation.OfUser(user.Id), CancellationToken.None);
            return all.Count(revocation => revocation.State == RevocationState.Revoked) == tokens;
        },
        TimeSpan.FromSeconds(5));

    private async Task<int> HeldAsync(TestUser user) =>
        (await scene.Storage.ListAllAsync<HeldGrant>(index: null, CancellationToken.None)).Count(held => held.UserId == user.Id);
}
