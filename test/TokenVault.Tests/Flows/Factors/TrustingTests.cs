using TokenVault.Server.Clients;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Factors;

public sealed class TrustingTests(TrustingScene scene) : IClassFixture<TrustingScene>
{
    [Fact]
    public async Task T_CF_14_A_session_with_a_second_factor_lets_its_tokens_be_exchanged_and_no_other_ones()
    {
        var weak = await scene.ConnectedUserAsync();
        var worker = await scene.NewWorkerAsync();
        (await worker.ExchangeAsync(weak.Id)).ShouldBeGranted();
        await scene.SetPolicyAsync(MultiFactorPolicy.Always);
        (await weak.ExchangeAsync()).ShouldBeRefused(401, "mfa_required");
        (await weak.ExchangeByAccessTokenAsync()).ShouldBeRefused(401, "mfa_required");

        (await worker.ExchangeAsync(weak.Id)).ShouldBeRefused(401, "mfa_required");

        // The same user, in a session that is worth more.
        var person = new Person(scene, weak.Id, weak.Email, weak.Password) { Browser = weak.Browser };
        var strong = await person.RedeemAsync(await person.FinishEnrolmentAsync(await person.ComeAsync()));
        (await scene.App.ExchangeAsync(strong["refresh_token"]!, Wire.RefreshTokenType, VaultScene.Calendar)).ShouldBeGranted();
        (await scene.ApiClient.ExchangeAsync(strong["access_token"]!, Wire.AccessTokenType, VaultScene.Calendar)).ShouldBeGranted();
        (await weak.ExchangeAsync()).ShouldBeRefused(401, "mfa_required");
        await scene.SetPolicyAsync();
        (await weak.ExchangeAsync()).ShouldBeGranted();
    }
}
