using Microsoft.Extensions.Configuration;
using TokenVault.Server;
using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Tests.Flows.Keys;

public sealed class SqliteRestoreDrill : RestoreDrillFlows
{
    private protected override IReadOnlyDictionary<string, string?> CommandSettings =>
        new Dictionary<string, string?> { ["TokenVault:DataDirectory"] = Vault.DataDirectory };

    private string Database => Path.Combine(Vault.DataDirectory, "vault.db");

    private string Backup => Path.Combine(Vault.DataDirectory, "backup.db");

    [Fact]
    public async Task The_restored_verb_takes_no_arguments_and_needs_the_server_stopped_and_a_store()
    {
        await using var output = new StringWriter();
        (await RestoredCommand.RunAsync(["now"], output)).ShouldBe(2);
        output.ToString().ShouldStartWith("usage:");
        (await Should.ThrowAsync<StartupException>(RestoredAsync)).Message.ShouldStartWith("Another process uses the database");
        var empty = new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["TokenVault:DataDirectory"] = Path.Combine(Vault.DataDirectory, "absent") }).Build();
        (await Should.ThrowAsync<StartupException>(() => RestoredCommand.RunAsync([], output, empty))).Message.ShouldStartWith("There is no database");
    }

    private protected override Task TakeBackupAsync()
    {
        using var reader = SqliteConnection.OpenReader(Database);
        reader.Execute($"VACUUM INTO '{Backup}'");
        return Task.CompletedTask;
    }

    private protected override Task RestoreAsync()
    {
        foreach (var leftover in (string[])["-wal", "-shm"])
        {
            File.Delete(Database + leftover);
        }

        File.Copy(Backup, Database, overwrite: true);
        return Task.CompletedTask;
    }
}
