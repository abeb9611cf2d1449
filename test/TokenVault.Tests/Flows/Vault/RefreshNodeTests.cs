using TokenVault.Server.Demo;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>Several nodes on one store: one call at a time, and what a node that was thought dead brings home is not lost.</summary>
public sealed class RefreshNodeTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task T_RC_01_Two_nodes_make_one_call_and_both_have_its_answer()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, rotation: SandboxRotation.FamilyRevoking);
        await using var one = new RefreshNode(scene.Vault);
        await using var other = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        var gate = new FakeGate();
        grant.Provider.Refresh.Next(Fault.Held(gate));
        var first = one.RefreshAsync(grant);
        await gate.Entered;

        var second = other.RefreshAsync(grant);
        var third = grant.ExchangeAsync();
        gate.Release();
        var generation = (await first).Tokenset!.Generation;
        await scene.TickUntilAsync(() => Task.FromResult(second.IsCompleted && third.IsCompleted));

        (await second).Tokenset!.Generation.ShouldBe(generation);
        (await third)["access_token"].ShouldBe(grant.Provider.Commits[^1].AccessToken);
        grant.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task T_RC_01_A_call_that_is_kept_alive_is_not_taken_over_however_long_it_lasts()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "single_use");
        await using var one = new RefreshNode(scene.Vault);
        await using var other = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        var gate = new FakeGate();
        grant.Provider.Refresh.Next(Fault.Held(gate).AfterCommit());
        var renewals = 0;
        one.Storage.Committed = batch => renewals += TamperedStorage.Renews(batch) ? 1 : 0;
        var first = one.RefreshAsync(grant);
        await gate.Entered;

        // Longer than the lease, and than the class waits after one.
        await scene.TickUntilAsync(() => Task.FromResult(Volatile.Read(ref renewals) >= 6), TimeSpan.FromSeconds(0.5));

        var second = other.RefreshAsync(grant);
        gate.Release();
        await scene.TickUntilAsync(() => Task.FromResult(second.IsCompleted));

        (await second).Tokenset!.Generation.ShouldBe(2);
        grant.Calls.ShouldBe(1);
        (await first).Outage.ShouldNotBeNull();
    }

    [Fact]
    public async Task F_18_A_node_whose_clock_is_off_follows_nobodys_attempts_up()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        await using var node = new RefreshNode(scene.Vault);
        var row = await grant.RowAsync();
        var attempt = new RefreshAttempt("crashed-" + row.Id, row.Generation, scene.Clock.GetUtcNow().AddHours(-1), UnknownSince: null);
        (await scene.Storage.CommitAsync(new Batch().Replace(row with { Attempt = attempt }))).Committed.ShouldBeTrue();
        var asked = node.Storage.Unfit = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        using var recovery = node.Recovery(scene.Vault);
        await recovery.StartAsync(CancellationToken.None);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System);
        await recovery.StopAsync(CancellationToken.None);

        (await grant.RowAsync()).Attempt.ShouldBe(attempt);
        grant.Calls.ShouldBe(0);
    }

    [Fact]
    public async Task T_RC_04_A_paused_nodes_answer_is_applied_while_its_generation_stands()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "single_use");
        await using var paused = new RefreshNode(scene.Vault);
        var (gate, first) = await PauseAsync(grant, paused);

        // Another node takes over, and is refused: the answer that counts is still with the first.
        await TakenOverAsync(grant);
        await VaultScene.UntilAsync(async () => (await grant.RowAsync()).Attempt is { Left: true, UnknownSince: not null });
        (await grant.RowAsync()).State.ShouldBe(TokensetState.Active);
        gate.Release();

        await VaultScene.UntilAsync(async () => (await grant.RowAsync()).Generation == 2);
        (await first).Outage.ShouldNotBeNull();
        (await grant.RowAsync()).Attempt.ShouldBeNull();
        (await grant.ExchangeAsync())["access_token"].ShouldBe(grant.Provider.Commits[^1].AccessToken);
        scene.EndAccessTokens();
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Fact]
    public async Task T_RC_04_T_RC_07_A_paused_nodes_answer_becomes_a_spare_and_replaces_a_refused_token()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "single_use");
        await using var paused = new RefreshNode(scene.Vault);
        var overtaking = Fault.Answer(
            200, "application/json", """{"access_token":"overtaking","refresh_token":"not-honoured-for-long","expires_in":3600,"token_type":"Bearer"}""");
        var (gate, _) = await PauseAsync(grant, paused, fault: null, overtaking);
        var lateAnswer = grant.Provider.Commits[^1];
        await TakenOverAsync(grant);
        await VaultScene.UntilAsync(async () => (await grant.RowAsync()).Generation == 2);
        gate.Release();
        await VaultScene.UntilAsync(async () => await SparesAsync(grant) == 1);
        (await grant.ExchangeAsync())["access_token"].ShouldBe("overtaking");

        // The refused token gives way to the spare, whose own access token has ended: it is refreshed in the same breath.
        scene.EndAccessTokens();
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        grant.Provider.LastRefreshTokenSent.ShouldBe(lateAnswer.RefreshToken);
        (await SparesAsync(grant)).ShouldBe(0);
        (await scene.AuditAsync("tokenset_died", grant.User.Id)).ShouldBeEmpty();

        // Once out of doubt, when the other node's refresh succeeded, and once by the spare.
        (await scene.AuditAsync("tokenset_recovered", grant.User.Id)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task T_RC_07_A_refusal_that_another_nodes_refresh_has_overtaken_is_not_believed()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "single_use");
        await using var paused = new RefreshNode(scene.Vault);
        var (gate, first) = await PauseAsync(grant, paused, Fault.Error(400, "invalid_grant"));

        await TakenOverAsync(grant);
        await VaultScene.UntilAsync(async () => (await grant.RowAsync()).Generation == 2);
        gate.Release();
        await paused.StopAsync();

        (await first).Outage.ShouldNotBeNull();
        (await grant.RowAsync()).State.ShouldBe(TokensetState.Active);
        (await scene.AuditAsync("tokenset_died", grant.User.Id)).ShouldBeEmpty();
    }

    [Fact]
    public async Task T_RC_04_A_call_that_outlasted_its_first_lease_is_waited_for_from_the_end_of_its_last()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "single_use");
        await using var paused = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        var gate = new FakeGate();
        grant.Provider.Refresh.Next(Fault.Held(gate).AfterCommit());
        var renewals = 0;
        paused.Storage.Committed = batch => renewals += TamperedStorage.Renews(batch) ? 1 : 0;
        var refresh = paused.RefreshAsync(grant);
        await gate.Entered;
        var begun = scene.Clock.GetUtcNow();
        await scene.TickUntilAsync(() => Task.FromResult(Volatile.Read(ref renewals) >= 4), TimeSpan.FromSeconds(0.25));
        var alive = scene.Clock.GetUtcNow();
        paused.Storage.Refuses = TamperedStorage.Renews;

        await scene.TickUntilAsync(async () => (await grant.RowAsync()).Attempt is { Left: true }, TimeSpan.FromSeconds(0.25));

        // Counted from the beginning, the wait of the class would be over by now.
        (alive - begun).ShouldBeGreaterThan(TimeSpan.FromSeconds(30));
        var left = (await grant.RowAsync()).Attempt!.LeftAt.ShouldNotBeNull();
        (left - alive).ShouldBeGreaterThan(TimeSpan.FromSeconds(20));
        (await grant.ExchangeAsync())["reason"].ShouldBe("temporarily_unavailable");
        grant.Calls.ShouldBe(1);
        gate.Release();
        await VaultScene.UntilAsync(async () => (await grant.RowAsync()).Generation == 2);
        (await refresh).Outage.ShouldNotBeNull();
    }

    [Fact]
    public async Task F_05_A_node_that_stood_still_between_claim_and_call_sends_nothing()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, rotation: SandboxRotation.FamilyRevoking);
        await using var node = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        node.Storage.Committed = batch =>
        {
            if (TamperedStorage.Claims(batch))
            {
                scene.Clock.Advance(TimeSpan.FromSeconds(16));
            }
        };

        (await node.RefreshAsync(grant)).Outage.ShouldNotBeNull();

        // Nothing has been sent, and that is known: the next attempt need not wait.
        await VaultScene.UntilAsync(async () => (await grant.RowAsync()).Attempt is null);
        grant.Calls.ShouldBe(0);
        (await grant.ExchangeAsync()).Status.ShouldBe(200);
        grant.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task F_07_A_claim_whose_confirmation_was_lost_is_known_as_unsent_and_costs_no_wait()
    {
        await using var grant = await LoneGrant.MakeAsync(scene, "family_revoking", SandboxRotation.FamilyRevoking);
        await using var node = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        node.Storage.Committed = batch => throw new IOException("The connection broke before the answer.");
        (await node.RefreshAsync(grant)).Outage.ShouldNotBeNull();
        (await grant.RowAsync()).Attempt.ShouldNotBeNull();
        grant.Calls.ShouldBe(0);

        node.Storage.Committed = _ => { };

        (await node.RefreshAsync(grant)).Tokenset!.Generation.ShouldBe(2);
        grant.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task T_RC_01_A_landing_after_a_version_conflict_gives_the_lease_back()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        await using var node = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        var bumped = false;
        node.Storage.Refuses = batch =>
        {
            if (TamperedStorage.Lands(batch) && !bumped)
            {
                // An unrelated writer of the row (a spare kept, a held grant swept), between the landing's read and its commit.
                bumped = true;
                var row = grant.RowAsync().GetAwaiter().GetResult();
                scene.Storage.CommitAsync(new Batch().Replace(row)).AsTask().GetAwaiter().GetResult().Committed.ShouldBeTrue();
            }

            return false;
        };
        (await node.RefreshAsync(grant)).Tokenset.ShouldNotBeNull();

        var other = await scene.Storage.CommitAsync(new Batch().AcquireLease("refresh " + (await grant.RowAsync()).Id, "other", TimeSpan.FromSeconds(30)));
        other.Outcome.ShouldBe(CommitOutcome.Committed);
    }

    [Fact]
    public async Task T_RC_01_A_node_that_finds_the_lease_taken_waits_for_it_without_hammering_the_store()
    {
        await using var grant = await LoneGrant.MakeAsync(scene);
        await using var node = new RefreshNode(scene.Vault);
        scene.EndAccessTokens();
        var row = await grant.RowAsync();
        (await scene.Storage.CommitAsync(new Batch().AcquireLease("refresh " + row.Id, "other", TimeSpan.FromSeconds(30)))).Committed.ShouldBeTrue();
        var claims = 0;
        node.Storage.Refuses = batch =>
        {
            claims += TamperedStorage.Claims(batch) ? 1 : 0;
            return false;
        };

        var waiting = node.RefreshAsync(grant);
        for (var i = 0; i < 240; i++)
        {
            scene.Clock.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }

        (await waiting).Outage.ShouldNotBeNull();

        // Polling grows to 200 ms: some 70 in 12 s.
        claims.ShouldBeLessThan(100);
    }

    /// <summary>A node in the middle of its call, which others have to take for dead.</summary>
    private async Task<(FakeGate Gate, Task<RefreshResult> Refresh)> PauseAsync(
        LoneGrant grant, RefreshNode node, Fault? fault = null, params Fault[] takeover)
    {
        scene.EndAccessTokens();
        node.Storage.Refuses = TamperedStorage.Renews;
        var gate = new FakeGate();
        grant.Provider.Refresh.Next([fault?.HeldAt(gate) ?? Fault.Held(gate).AfterCommit(), .. takeover]);
        var refresh = node.RefreshAsync(grant);
        await gate.Entered;
        return (gate, refresh);
    }

    /// <summary>The server's own recovery: after the lease and the wait of the class it calls; the paused call itself may take 120 s.</summary>
    private async Task TakenOverAsync(LoneGrant grant)
    {
        scene.Clock.Advance(TimeSpan.FromSeconds(29));
        await scene.TickUntilAsync(() => Task.FromResult(grant.Calls == 2), TimeSpan.FromSeconds(0.25));
    }

    private async Task<int> SparesAsync(LoneGrant grant) =>
        (await scene.Storage.ListAllAsync<RefreshSpare>(EntityKey.Index("account", grant.AccountId), CancellationToken.None)).Count;
}
