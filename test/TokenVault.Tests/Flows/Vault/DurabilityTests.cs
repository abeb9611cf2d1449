using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Testing;

namespace TokenVault.Tests.Flows.Vault;

/// <summary>What the provider rotated to is in the store before anybody has it, whatever happens to the server next.</summary>
public sealed class DurabilityTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task F_04_After_a_restart_the_rotated_token_is_there_and_nothing_is_refreshed_again()
    {
        var user = await scene.ConnectedUserAsync();
        scene.EndAccessTokens();
        var before = await user.ExchangeAsync();
        var calls = scene.Provider.Refresh.Calls;

        await scene.Vault.RestartAsync();

        (await user.ExchangeAsync())["access_token"].ShouldBe(before["access_token"]);
        (await user.ExchangeByAccessTokenAsync())["access_token"].ShouldBe(before["access_token"]);
        scene.Provider.Refresh.Calls.ShouldBe(calls);
        scene.EndAccessTokens();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Fact]
    public async Task F_33_A_server_that_stops_during_a_refresh_saves_it_first()
    {
        var (user, gate, calls) = await scene.HeldUserAsync(committed: true);
        var waiting = user.ExchangeAsync();
        await gate.Entered;

        var restarting = scene.Vault.RestartAsync();
        gate.Release();
        await restarting;

        (await waiting).Status.ShouldBe(200);
        (await user.ExchangeAsync()).Status.ShouldBe(200);
        scene.Provider.Refresh.Calls.ShouldBe(calls + 1);
        scene.EndAccessTokens();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Fact]
    public async Task A_store_that_cannot_save_is_tried_until_it_can_and_the_rotated_token_is_not_lost()
    {
        var (user, gate, calls) = await scene.HeldUserAsync(committed: true);
        var waiting = user.ExchangeAsync();
        await gate.Entered;
        using var database = SqliteConnection.OpenWriter(Path.Combine(scene.Vault.DataDirectory, "vault.db"));
        database.Execute("CREATE TRIGGER trouble BEFORE UPDATE ON entity WHEN NEW.kind = 'tokenset' BEGIN SELECT RAISE(ABORT, 'disk trouble'); END");

        gate.Release();
        await WaitForLogAsync("is not saved yet", 1);
        scene.Clock.Advance(TimeSpan.FromSeconds(11));
        (await waiting).Status.ShouldBe(503);
        await scene.TickUntilAsync(() => Task.FromResult(Logged("is not saved yet") >= 2));
        database.Execute("DROP TRIGGER trouble");

        // The next attempt waits for the clock.
        while ((await scene.AuditAsync("tokenset_refreshed", user.Id)).Count == 0)
        {
            scene.Clock.Advance(TimeSpan.FromMilliseconds(100));
        }

        (await user.ExchangeAsync()).Status.ShouldBe(200);
        scene.Provider.Refresh.Calls.ShouldBe(calls + 1);
        scene.EndAccessTokens();
        (await user.ExchangeAsync()).Status.ShouldBe(200);
    }

    [Fact]
    public async Task F_04_A_server_killed_right_after_its_answer_has_lost_nothing()
    {
        var doomed = new VaultScene();
        await doomed.InitializeAsync();
        var user = await doomed.ConnectedUserAsync();
        doomed.EndAccessTokens();
        var answer = await user.ExchangeAsync();

        // What a kill at this moment leaves on the disk: nothing is closed, nothing is checkpointed.
        var image = Directory.CreateTempSubdirectory("tokenvault-test-");
        var files = Directory.GetFiles(doomed.Vault.DataDirectory, "*", SearchOption.AllDirectories);
        foreach (var file in files.Where(file => Path.GetExtension(file) is not (".db-shm" or ".lock" or ".spool" or ".sock")))
        {
            var copy = Path.Combine(image.FullName, Path.GetRelativePath(doomed.Vault.DataDirectory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        var (issuer, now) = (doomed.Vault.Issuer, doomed.Clock.GetUtcNow());
        await doomed.Vault.DisposeAsync();
        await using var provider = doomed.Provider;
        await using var heir = await TestVault.StartAsync(new Dictionary<string, string?>
        {
            ["TokenVault:Issuer"] = issuer,
            ["TokenVault:DataDirectory"] = image.FullName,
        });
        heir.Clock.Advance(now - heir.Clock.GetUtcNow());
        var app = new Application(heir.Api, doomed.App.Credentials);

        var again = await app.ExchangeAsync(user.RefreshToken, Wire.RefreshTokenType, VaultScene.Calendar);
        again["access_token"].ShouldBe(answer["access_token"]);
        heir.Clock.Advance(TimeSpan.FromSeconds(3601));
        (await app.ExchangeAsync(user.RefreshToken, Wire.RefreshTokenType, VaultScene.Calendar)).Status.ShouldBe(200);
        provider.Refresh.Calls.ShouldBe(2);
    }

    private async Task WaitForLogAsync(string text, int times)
    {
        while (Logged(text) < times)
        {
            await Task.Yield();
        }
    }

    private int Logged(string text) => scene.Vault.Log.Text.Split(text).Length - 1;
}
