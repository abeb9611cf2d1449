using Microsoft.Extensions.Configuration;
using TokenVault.Server;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Keys;

public sealed class RestoredTwiceTests : VaultScene
{
    private string Database => Path.Combine(Vault.DataDirectory, "vault.db");

    private string Backup => Path.Combine(Vault.DataDirectory, "backup.db");

    [Fact]
    public async Task F_24_Restored_withdraws_what_was_signed_with_the_key_that_was_next_at_the_backup()
    {
        var user = await ConnectedUserAsync();
        using (var reader = SqliteConnection.OpenReader(Database))
        {
            reader.Execute($"VACUUM INTO '{Backup}'");
        }

        // A first restore of this backup; a day's work; and the same backup again.
        await Vault.RestartAsync(RestoredAsync);
        var issued = user with { Browser = Vault.NewBrowser() };
        await issued.SignInAsync();
        (await issued.ExchangeByAccessTokenAsync()).Status.ShouldBe(200);

        await Vault.RestartAsync(async () =>
        {
            File.Delete(Database + "-wal");
            File.Delete(Database + "-shm");
            File.Copy(Backup, Database, overwrite: true);
            await RestoredAsync();
        });

        (await issued.ExchangeByAccessTokenAsync()).Status.ShouldBe(401);
    }

    private async Task RestoredAsync()
    {
        await using var output = new StringWriter();
        var settings = new Dictionary<string, string?> { ["TokenVault:DataDirectory"] = Vault.DataDirectory };
        (await RestoredCommand.RunAsync([], output, new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), Clock)).ShouldBe(0);
    }
}
