using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Tests.Flows.Attack;

public sealed class HealthTests(AttackScene scene) : IClassFixture<AttackScene>
{
    [Fact]
    public async Task T_DO_06_strangers_who_ask_for_readiness_share_one_write_a_second()
    {
        var first = await ProbeAsync();
        scene.Vault.Clock.Advance(TimeSpan.FromMilliseconds(900));
        (await ProbeAsync()).ShouldBe(first);
        scene.Vault.Clock.Advance(TimeSpan.FromMilliseconds(100));
        (await ProbeAsync()).ShouldBe(first + 1_000_000);
    }

    /// <summary>Asks, and reads when the store was last probed.</summary>
    private async Task<long> ProbeAsync()
    {
        var answer = await scene.Vault.Api.SendAsync(HttpMethod.Get, "health/ready");
        answer.Status.ShouldBe(200, answer.Text);
        using var reader = new SqliteReader(SqliteConnection.OpenReader(Path.Combine(scene.Vault.DataDirectory, "vault.db")));
        return reader.ReadProbe();
    }
}
