using System.Text.Json.Nodes;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Workers;

/// <summary>A deployment that demands of its workers what Auth0 demands by now.</summary>
public sealed class DemandingScene : WorkerScene
{
    private protected override IReadOnlyDictionary<string, string?> Settings { get; } = new Dictionary<string, string?>
    {
        ["TokenVault:PrivilegedWorker:RequireIpAllowlist"] = "true",
        ["TokenVault:PrivilegedWorker:RequireGrants"] = "true",
        ["TokenVault:PrivilegedWorker:MaxTokenAge"] = "00:01:00",
        ["TokenVault:PrivilegedWorker:UsersPerHour"] = "1",
    };
}

public sealed class DemandingDeploymentTests(DemandingScene scene) : IClassFixture<DemandingScene>
{
    [Fact]
    public async Task T_PW_05_a_list_and_grants_can_be_made_mandatory_and_bounds_be_set_for_all()
    {
        var grants = new JsonArray(new JsonObject { ["connection"] = VaultScene.Calendar, ["scopes"] = new JsonArray("calendar.read") });
        var addresses = new JsonArray("127.0.0.0/8", "::1");
        (await (await scene.NewWorkerAsync()).ExchangeAsync(scene.User.Id)).ShouldBeRefused(403, "access_denied");
        (await (await scene.NewWorkerAsync(new JsonObject { ["grants"] = grants.DeepClone() })).ExchangeAsync(scene.User.Id)).ShouldBeRefused(403, "access_denied");
        (await (await scene.NewWorkerAsync(new JsonObject { ["ip_allowlist"] = addresses.DeepClone() })).ExchangeAsync(scene.User.Id)).ShouldBeRefused(403, "access_denied");

        var worker = await scene.NewWorkerAsync(new JsonObject { ["ip_allowlist"] = addresses, ["grants"] = grants, ["users_per_hour"] = 100 });
        (await worker.ExchangeAsync(scene.User.Id)).ShouldBeGranted();
        (await worker.ExchangeAsync("auth0|another")).ShouldBeRefused(403, "access_denied");
        var old = worker.SubjectToken(scene.User.Id, claims => claims["iat"] = scene.Clock.GetUtcNow().AddSeconds(-121).ToUnixTimeSeconds());
        (await worker.SendAsync(old)).ShouldBeRefused(401, "invalid_grant");
    }
}
