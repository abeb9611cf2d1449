using System.Text;
using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>What is given up here is given up at the provider, however long that takes (RFC 7009).</summary>
public sealed class TokenRevocationTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task T_UP_15_A_disconnected_account_is_revoked_at_the_provider_and_both_places_say_so()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var given = grant.Provider.Commits[^1];
        var tokenset = await grant.RowAsync();
        await grant.DisconnectAsync();
        await EndedAsync(grant, RevocationState.Revoked);

        grant.Provider.Revocation.Calls.ShouldBe(1);
        grant.Provider.IsLive(given.AccessToken).ShouldBeFalse();
        var listed = (await ListedAsync(grant)).ShouldHaveSingleItem()!;
        ((string?)listed["state"], (string?)listed["tokenset_id"], (string?)listed["connected_account_id"], (string?)listed["token_type"], (int)listed["attempts"]!)
            .ShouldBe(("revoked", tokenset.Id, grant.AccountId, "refresh_token", 1));
        listed.ToJsonString().ShouldNotContain(given.RefreshToken!);
        var row = (await scene.AuditAsync("token_revoked", grant.User.Id)).ShouldHaveSingleItem();
        ((string?)row["details"]!["state"], (string?)row["details"]!["tokenset_id"]).ShouldBe(("revoked", tokenset.Id));
        (await grant.RevocationsAsync()).ShouldHaveSingleItem().SealedToken.ShouldBeNull();
    }

    [Fact]
    public async Task T_UP_15_A_provider_in_trouble_is_asked_again_after_growing_pauses_and_across_a_restart()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        grant.Provider.Revocation.Always(Fault.Status(503));
        await grant.DisconnectAsync();
        await VaultScene.UntilAsync(async () => (await grant.RevocationsAsync())[0].Attempts == 1);
        var first = (await grant.RevocationsAsync())[0];
        (first.NextAttemptAt - scene.Clock.GetUtcNow()).ShouldBe(TimeSpan.FromMinutes(1));
        ((string?)(await ListedAsync(grant))[0]!["state"]).ShouldBe("pending");

        await scene.Vault.RestartAsync();
        await scene.TickUntilAsync(async () => (await grant.RevocationsAsync())[0].Attempts == 2, TimeSpan.FromSeconds(5));
        grant.Provider.Revocation.Always(null);
        await EndedAsync(grant, RevocationState.Revoked, TimeSpan.FromSeconds(5));

        var last = (await grant.RevocationsAsync()).ShouldHaveSingleItem();
        last.Attempts.ShouldBeInRange(3, 5);
        (scene.Clock.GetUtcNow() - first.CreatedAt).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMinutes(3));

        // The clock's leaps may end an attempt before it reaches the provider.
        grant.Provider.Revocation.Calls.ShouldBeInRange(2, last.Attempts);
    }

    [Fact]
    public async Task T_UP_15_A_provider_that_refuses_for_a_day_is_given_up_and_that_is_told()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        grant.Provider.Revocation.Always(Fault.Error(400, "invalid_request"));
        await grant.DisconnectAsync();
        await EndedAsync(grant, RevocationState.Failed, TimeSpan.FromMinutes(5));

        var ended = (await grant.RevocationsAsync()).ShouldHaveSingleItem();
        (ended.EndedAt!.Value - ended.CreatedAt).ShouldBeInRange(TimeSpan.FromHours(24), TimeSpan.FromHours(26));
        ended.SealedToken.ShouldBeNull();
        ended.Attempts.ShouldBeInRange(20, 40);
        var listed = (await ListedAsync(grant)).ShouldHaveSingleItem()!;
        ((string?)listed["state"]).ShouldBe("failed");

        // A leap of the clock may have ended the last try before its answer came, or while it was being connected.
        ((string?)listed["problem"])!.ShouldBeOneOf("the revocation endpoint answered 400 invalid_request", "no complete answer in time", "no answer (ConnectionError)");
        (await scene.AuditAsync("token_revocation_failed", grant.User.Id)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task T_UP_15_A_provider_without_revocation_is_told_apart()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, change: options => options.Remove("revocationURL"));
        await grant.DisconnectAsync();
        await EndedAsync(grant, RevocationState.NotSupported);

        ((string?)(await ListedAsync(grant)).ShouldHaveSingleItem()!["state"]).ShouldBe("not_supported");
        grant.Provider.Revocation.Calls.ShouldBe(0);
    }

    [Theory]
    [InlineData("user")]
    [InlineData("connection")]
    [InlineData("tokenset")]
    public async Task T_UP_15_Whatever_takes_a_tokenset_with_it_revokes_it(string deleted)
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var given = grant.Provider.Commits[^1];
        var user = "users/" + Uri.EscapeDataString(grant.User.Id);
        var path = deleted switch
        {
            "user" => user,
            "connection" => "connections/" + (await grant.ConnectionRowAsync()).Id,
            _ => $"{user}/federated-connections-tokensets/{(await grant.RowAsync()).Id}",
        };
        (await (await scene.AdminAsync()).DeleteAsync(path)).Status.ShouldBe(204);
        await EndedAsync(grant, RevocationState.Revoked);

        (await grant.FindRowAsync()).ShouldBeNull();
        grant.Provider.Revocation.Calls.ShouldBe(1);
        grant.Provider.IsLive(given.AccessToken).ShouldBeFalse();
        (await ListedAsync(grant)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task T_RC_05_What_a_refresh_brings_for_an_account_that_is_gone_is_revoked()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var (waiting, gate, late) = await LateAnswerAsync(grant);
        await grant.DisconnectAsync();
        gate.Release();
        (await waiting)["reason"].ShouldBe("not_connected");
        await EndedAsync(grant, RevocationState.Revoked);

        grant.Provider.IsLive(late.AccessToken).ShouldBeFalse();
        (await grant.RevocationsAsync()).Count.ShouldBe(2);
        (await grant.FindRowAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task T_RC_06_What_a_refresh_brings_for_a_former_consent_waits_and_is_revoked_with_the_account()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var (waiting, gate, late) = await LateAnswerAsync(grant);
        await grant.ReconnectAsync();
        var consented = grant.Provider.Commits[^1];
        gate.Release();
        (await waiting)["access_token"].ShouldBe(consented.AccessToken);

        // Many a provider ends the new consent, too, when a token of the former is revoked.
        (await grant.RevocationsAsync()).ShouldBeEmpty();
        scene.EndAccessTokens();
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        grant.Provider.LastRefreshTokenSent.ShouldBe(consented.RefreshToken);

        await grant.DisconnectAsync();
        await EndedAsync(grant, RevocationState.Revoked);
        (await grant.RevocationsAsync()).Count.ShouldBe(3);
        grant.Provider.IsLive(late.AccessToken).ShouldBeFalse();
    }

    [Theory]
    [InlineData("account")]
    [InlineData("user")]
    [InlineData("connection")]
    public async Task T_UP_15_What_a_new_consent_replaced_is_revoked_with_the_account(string deleted)
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var first = grant.Provider.Commits[^1];
        await grant.ReconnectAsync();
        (await grant.RevocationsAsync()).ShouldBeEmpty();
        grant.Provider.IsLive(first.AccessToken).ShouldBeTrue();

        var admin = await scene.AdminAsync();
        await (deleted switch
        {
            "user" => admin.DeleteAsync("users/" + Uri.EscapeDataString(grant.User.Id)),
            "connection" => admin.DeleteAsync("connections/" + (await grant.ConnectionRowAsync()).Id),
            _ => grant.DisconnectAsync(),
        });
        await EndedAsync(grant, RevocationState.Revoked);

        (await grant.RevocationsAsync()).Count.ShouldBe(2);
        grant.Provider.IsLive(first.AccessToken).ShouldBeFalse();
    }

    [Fact]
    public async Task T_UP_15_A_revocation_that_waits_does_not_end_the_grant_of_a_user_who_has_reconnected()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        grant.Provider.Revocation.Always(Fault.Status(503));
        await grant.DisconnectAsync();
        await VaultScene.UntilAsync(async () => (await grant.RevocationsAsync())[0].Attempts == 1);
        grant.Provider.Revocation.Always(null);
        await grant.ReconnectAsync();
        var calls = grant.Provider.Revocation.Calls;

        for (var i = 0; i < 60; i++)
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }

        // HeldGrantSweep and RefreshLanding keep such tokens as spares, because most providers end the whole grant (RFC 7009 §2.1).
        grant.Provider.Revocation.Calls.ShouldBe(calls);
    }

    [Fact]
    public async Task F_38_One_corrupt_revocation_does_not_stop_the_others()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var entity = new Entity(PendingRevocation.Kind, "rev_0corrupt", 0, null, Encoding.UTF8.GetBytes("{}"), [PendingRevocation.Due]);
        (await scene.Storage.CommitAsync(new Batch().Add(new InsertOperation(entity)))).Committed.ShouldBeTrue();
        try
        {
            await grant.DisconnectAsync();
            await scene.TickUntilAsync(
                async () => (await grant.RevocationsAsync()) is [{ State: RevocationState.Revoked }], TimeSpan.FromSeconds(1));
        }
        finally
        {
            await scene.Storage.CommitAsync(new Batch().Add(new DeleteOperation(PendingRevocation.Kind, "rev_0corrupt", 1)));
        }
    }

    [Fact]
    public async Task T_RC_05_A_refresh_that_comes_home_after_the_user_disconnected_and_reconnected_does_not_end_the_new_grant()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        scene.EndAccessTokens();
        var gate = new FakeGate();
        grant.Provider.Refresh.Next(Fault.Held(gate).AfterCommit());
        var waiting = grant.ExchangeAsync();
        await gate.Entered;
        await grant.DisconnectAsync();
        await VaultScene.UntilAsync(() => Task.FromResult(grant.Provider.Revocation.Calls == 1));
        await grant.ReconnectAsync();
        gate.Release();
        await waiting;
        for (var i = 0; i < 20; i++)
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }

        grant.Provider.Revocation.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task T_UP_15_Disconnecting_does_not_end_the_grant_of_another_user_of_the_same_provider_account()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        var second = await scene.NewUserAsync();
        await second.ConnectAsync(grant.Connection);
        await grant.DisconnectAsync();
        for (var i = 0; i < 20; i++)
        {
            scene.Clock.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }

        grant.Provider.Revocation.Calls.ShouldBe(0);
    }

    /// <summary>A refresh whose answer the provider has sent, and that is held on its way.</summary>
    private async Task<(Task<Answer> Exchange, FakeGate Gate, SandboxCommit Late)> LateAnswerAsync(LoneGrant grant)
    {
        scene.EndAccessTokens();
        var gate = new FakeGate();
        grant.Provider.Refresh.Next(Fault.Held(gate).AfterCommit());
        var exchange = grant.ExchangeAsync();
        await gate.Entered;
        return (exchange, gate, grant.Provider.Commits[^1]);
    }

    private Task EndedAsync(LoneGrant grant, RevocationState state, TimeSpan? step = null)
    {
        async Task<bool> AllEnded() => await grant.RevocationsAsync() is { Count: > 0 } all && all.TrueForAll(revocation => revocation.State == state);
        return step is null ? VaultScene.UntilAsync(AllEnded) : scene.TickUntilAsync(AllEnded, step);
    }

    private async Task<JsonArray> ListedAsync(LoneGrant grant)
    {
        var answer = await (await scene.AdminAsync()).GetAsync($"users/{Uri.EscapeDataString(grant.User.Id)}/token-revocations");
        answer.Status.ShouldBe(200, answer.Text);
        return answer.Json as JsonArray ?? (JsonArray)answer.Json["token_revocations"]!;
    }
}
