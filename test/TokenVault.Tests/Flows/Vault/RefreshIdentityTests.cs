using TokenVault.Server.Storage;
using TokenVault.Server.Tokensets;
using TokenVault.Testing;
using TokenVault.Tests.Connections;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>The id_token that comes with a refresh.</summary>
public sealed class RefreshIdentityTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task F_03_Nothing_is_asked_of_the_network_between_the_answer_and_its_receipt()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        scene.Clock.Jump(TimeSpan.FromHours(1));
        var gate = new FakeGate();
        scene.Provider.Keys.Next(Fault.Held(gate));
        var (refreshes, keys) = (scene.Provider.Refresh.Calls, scene.Provider.Keys.Calls);
        var waiting = user.ExchangeAsync();

        // The keys to judge the id_token with are fetched while the old refresh token is still good.
        await gate.Entered;
        scene.Provider.Refresh.Calls.ShouldBe(refreshes);
        gate.Release();

        (await waiting).Status.ShouldBe(200);
        (scene.Provider.Refresh.Calls, scene.Provider.Keys.Calls).ShouldBe((refreshes + 1, keys + 1));
    }

    [Fact]
    public async Task F_03_An_id_token_by_a_key_that_is_not_at_hand_costs_no_look_over_the_network()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        scene.Provider.Refresh.Next(Fault.Rewriting((answer, _) => answer["id_token"] = "eyJhbGciOiJSUzI1NiIsImtpZCI6InVua25vd24ifQ.e30.AA"));

        (await user.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Fact]
    public async Task F_03_Another_key_under_the_id_of_the_one_at_hand_costs_no_tokens()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        scene.Clock.Jump(TimeSpan.FromHours(1));
        scene.Provider.Keys.Next(Fault.Rewriting((set, _) => set["keys"]![0]!["n"] = IdTokenForgeries.OtherModulus));

        (await user.ExchangeAsync()).Status.ShouldBe(200);

        // The others' key is the right one again.
        scene.Clock.Jump(TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task T_UP_08_Tokens_that_name_another_account_at_a_refresh_are_quarantined()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        scene.Provider.Refresh.Next(Fault.IdTokenClaim("sub", "somebody-else"));

        (await user.ExchangeAsync())["reason"].ShouldBe("reauthorization_required");

        var kept = await scene.Storage.ListAllAsync<RefreshReceipt>(EntityKey.Index("user", user.Id), CancellationToken.None);
        kept.ShouldHaveSingleItem().Unread.ShouldBeTrue();
        (await scene.AuditAsync("tokenset_answer_unread", user.Id)).ShouldHaveSingleItem();
        (await scene.AuditAsync("tokenset_died", user.Id)).ShouldHaveSingleItem();
    }
}
