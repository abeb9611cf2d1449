using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Possession;

/// <summary>A deployment that takes its APIs' word for it that a bound token came with its key.</summary>
public sealed class TrustingScene : PossessionScene
{
    private protected override IReadOnlyDictionary<string, string?> Settings =>
        new Dictionary<string, string?>(base.Settings) { ["TokenVault:ProofOfPossession:TrustApis"] = "true" };
}

public sealed class TrustedApiTests(TrustingScene scene) : IClassFixture<TrustingScene>
{
    [Fact]
    public async Task T_CA_10_a_deployment_can_leave_the_check_of_bound_tokens_to_its_apis()
    {
        var user = await scene.ConnectedUserAsync();
        var token = (await scene.SignInAsync(user, scene.NewKey()))["access_token"]!;
        (await scene.ApiClient.ExchangeAsync(token, Wire.AccessTokenType, VaultScene.Calendar)).ShouldBeGranted();

        // Its own APIs are no less strict for it.
        (await scene.ResourceAsync(HttpMethod.Get, "userinfo", "Bearer", token)).Status.ShouldBe(401);
    }
}
