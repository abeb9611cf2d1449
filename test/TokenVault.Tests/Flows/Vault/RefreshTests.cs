using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>The provider rotates single-use refresh tokens: one call too many, or one answer lost, and the account is gone.</summary>
public sealed class RefreshTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task An_ended_token_is_refreshed_exactly_once_and_then_served_from_the_vault()
    {
        var user = await scene.ConnectedUserAsync();
        var first = await user.ExchangeAsync();
        scene.EndAccessTokens();
        var calls = scene.Provider.Refresh.Calls;

        var second = await user.ExchangeAsync();
        var third = await user.ExchangeByAccessTokenAsync();

        second["access_token"].ShouldNotBe(first["access_token"]);
        second["access_token"].ShouldBe(third["access_token"]);
        second.Json["expires_in"]!.GetValue<int>().ShouldBe(3600);
        scene.Provider.IsLive(second["access_token"]!).ShouldBeTrue();
        scene.Provider.Refresh.Calls.ShouldBe(calls + 1);
        (await scene.AuditAsync("tokenset_refreshed", user.Id)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task T_RC_01_Two_hundred_callers_make_one_upstream_call()
    {
        var (user, gate, calls) = await scene.HeldUserAsync(committed: false);

        var callers = Enumerable.Range(0, 200).Select(i => i % 2 == 0 ? user.ExchangeAsync() : user.ExchangeByAccessTokenAsync()).ToArray();
        await gate.Entered;
        gate.Release();
        var answers = await Task.WhenAll(callers);

        answers.ShouldAllBe(answer => answer.Status == 200);
        answers.Select(answer => answer["access_token"]).Distinct().ShouldHaveSingleItem();
        scene.Provider.Refresh.Calls.ShouldBe(calls + 1);
        (await scene.AuditAsync("seta", user.Id)).Count.ShouldBe(200);
    }

    [Fact]
    public async Task T_RC_03_Callers_who_leave_do_not_cancel_the_refresh_of_those_who_wait()
    {
        var (user, gate, calls) = await scene.HeldUserAsync(committed: false);
        using var leaving = new CancellationTokenSource();

        var leavers = Enumerable.Range(0, 20).Select(_ => PostAsync(user, leaving.Token)).ToArray();
        await gate.Entered;
        var staying = Enumerable.Range(0, 20).Select(_ => user.ExchangeAsync()).ToArray();
        await leaving.CancelAsync();
        foreach (var leaver in leavers)
        {
            await Should.ThrowAsync<OperationCanceledException>(leaver);
        }

        gate.Release();

        (await Task.WhenAll(staying)).ShouldAllBe(answer => answer.Status == 200);
        scene.Provider.Refresh.Calls.ShouldBe(calls + 1);
    }

    [Fact]
    public async Task T_RC_03_A_refresh_that_everybody_left_is_saved_all_the_same()
    {
        var (user, gate, calls) = await scene.HeldUserAsync(committed: true);
        using var leaving = new CancellationTokenSource();
        var leaver = PostAsync(user, leaving.Token);
        await gate.Entered;
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(leaver);

        gate.Release();

        (await user.ExchangeAsync()).Status.ShouldBe(200);
        scene.Provider.Refresh.Calls.ShouldBe(calls + 1);
    }

    [Fact]
    public async Task Callers_of_a_slow_provider_are_freed_while_the_refresh_goes_on_and_is_saved()
    {
        var (user, gate, calls) = await scene.HeldUserAsync(committed: true);
        var waiting = user.ExchangeAsync();
        await gate.Entered;

        scene.Clock.Advance(TimeSpan.FromSeconds(11));
        var freed = await waiting;

        (freed.Status, freed["error"], freed["reason"]).ShouldBe((503, "temporarily_unavailable", "temporarily_unavailable"));
        freed.Headers.RetryAfter!.Delta!.Value.ShouldBeGreaterThan(TimeSpan.Zero);
        gate.Release();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        scene.Provider.Refresh.Calls.ShouldBe(calls + 1);
    }

    [Fact]
    public async Task T_RC_05_An_account_disconnected_during_its_refresh_does_not_come_back()
    {
        var user = await scene.NewUserAsync();
        var account = await user.ConnectAsync();
        var token = await user.MyTokenAsync();
        scene.EndAccessTokens();
        var gate = new FakeGate();
        scene.Provider.Refresh.Next(Fault.Held(gate).AfterCommit());
        var waiting = user.ExchangeAsync();
        await gate.Entered;

        (await user.MyAsync(HttpMethod.Delete, $"{VaultScene.Accounts}/{account["id"]}", token)).Status.ShouldBe(204);
        gate.Release();

        (await waiting)["reason"].ShouldBe("not_connected");
        (await user.ExchangeAsync())["reason"].ShouldBe("not_connected");
        (await scene.Storage.ListAllAsync<Tokenset>(EntityKey.Index("user", user.Id), CancellationToken.None)).ShouldBeEmpty();
    }

    [Fact]
    public async Task T_RC_06_A_refresh_of_the_old_grant_does_not_overwrite_a_new_consent()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        var gate = new FakeGate();
        scene.Provider.Refresh.Next(Fault.Held(gate).AfterCommit());
        var waiting = user.ExchangeAsync();
        await gate.Entered;

        await user.ConnectAsync();
        var consented = scene.Provider.Commits[^1];
        gate.Release();

        (await waiting)["access_token"].ShouldBe(consented.AccessToken);
        scene.EndAccessTokens();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        scene.Provider.LastRefreshTokenSent.ShouldBe(consented.RefreshToken);
    }

    [Fact]
    public async Task T_RC_06_A_new_consent_that_kept_the_refresh_token_gets_its_successor()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        var gate = new FakeGate();
        scene.Provider.Refresh.Next(Fault.Held(gate).AfterCommit());
        var waiting = user.ExchangeAsync();
        await gate.Entered;
        var rotated = scene.Provider.Commits[^1].RefreshToken;

        // The repeated consent brings no refresh token: the one that is being rotated away stays in the vault.
        scene.Provider.Redemption.Next(Fault.NoRefreshToken());
        await user.ConnectAsync();
        gate.Release();

        (await waiting).Status.ShouldBe(200);
        scene.EndAccessTokens();
        var later = await user.ExchangeAsync();
        later.Status.ShouldBe(200, later.Text);
        scene.Provider.LastRefreshTokenSent.ShouldBe(rotated);
    }

    [Fact]
    public async Task T_RC_07_A_dead_old_grant_does_not_kill_a_new_consent()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        var gate = new FakeGate();
        scene.Provider.Refresh.Next(Fault.Error(400, "invalid_grant").HeldAt(gate));
        var waiting = user.ExchangeAsync();
        await gate.Entered;

        await user.ConnectAsync();
        gate.Release();

        (await waiting).Status.ShouldBe(200);
        (await user.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("same")]
    public async Task An_answer_without_a_new_refresh_token_keeps_the_old_one(string answer)
    {
        await using var stable = await FakeProvider.StartAsync(FakeProvider.Defaults() with { Rotation = SandboxRotation.Stable }, scene.Clock);
        await scene.AddConnectionAsync("stable-" + answer, options: stable.OidcOptions(VaultScene.CalendarScopes));
        var user = await scene.NewUserAsync();
        await user.ConnectAsync("stable-" + answer);
        var kept = stable.Commits[^1].RefreshToken;
        stable.Refresh.Always(answer == "same" ? Fault.SameRefreshToken() : null);

        for (var i = 0; i < 3; i++)
        {
            scene.EndAccessTokens();
            (await user.ExchangeAsync("stable-" + answer)).Status.ShouldBe(200);
            stable.LastRefreshTokenSent.ShouldBe(kept);
        }
    }

    [Fact]
    public async Task F_17_A_refresh_that_narrows_the_scopes_is_believed()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        scene.Provider.Refresh.Next(Fault.Scopes("openid"));

        (await user.ExchangeAsync())["scope"].ShouldBe("openid");
        (await user.ExchangeAsync(more: new JsonObject { ["scope"] = "calendar.read" }))["reason"].ShouldBe("insufficient_scope");
    }

    [Fact]
    public async Task Many_users_refresh_side_by_side_and_each_gets_their_own()
    {
        var users = new List<(TestUser User, string Person)>();
        for (var i = 0; i < 6; i++)
        {
            var person = i % 2 == 0 ? "ada" : "grace";
            users.Add((await scene.ConnectedUserAsync(person: person), person));
        }

        scene.EndAccessTokens();
        var callers = users.SelectMany(u => Enumerable.Range(0, 10).Select(async _ => (u.Person, Answer: await u.User.ExchangeAsync())));
        var answers = await Task.WhenAll(callers);

        answers.ShouldAllBe(a => a.Answer.Status == 200);
        answers.ShouldAllBe(a => scene.Provider.UserOf(a.Answer["access_token"]!) == a.Person);
        answers.Select(a => a.Answer["access_token"]).Distinct().Count().ShouldBe(6);
    }

    private async Task<int> PostAsync(TestUser user, CancellationToken cancellationToken)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = Wire.FederatedExchange,
            ["client_id"] = scene.App.Credentials.ClientId,
            ["client_secret"] = scene.App.Credentials.ClientSecret,
            ["subject_token"] = user.RefreshToken,
            ["subject_token_type"] = Wire.RefreshTokenType,
            ["connection"] = VaultScene.Calendar,
        };
        using var content = new FormUrlEncodedContent(form);
        using var response = await scene.Vault.Api.Http.PostAsync(new Uri(scene.Vault.Issuer + "oauth/token"), content, cancellationToken);
        return (int)response.StatusCode;
    }
}
