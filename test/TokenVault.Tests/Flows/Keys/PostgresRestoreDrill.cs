using TokenVault.Tests.Needs;
using TokenVault.Tests.Storage;

namespace TokenVault.Tests.Flows.Keys;

[NeedsPostgres]
public sealed class PostgresRestoreDrill : RestoreDrillFlows
{
    private PostgresDatabase _database = null!;
    private string _backup = "";

    private protected override IReadOnlyDictionary<string, string?> Settings =>
        new Dictionary<string, string?> { ["TokenVault:Storage:ConnectionString"] = _database.ConnectionString };

    private protected override IReadOnlyDictionary<string, string?> CommandSettings => new Dictionary<string, string?>(Settings)
    {
        ["TokenVault:Keys:RootKeyFile"] = Path.Combine(Vault.DataDirectory, "root.key"),
    };

    public override async Task InitializeAsync()
    {
        _database = await PostgresDatabase.CreateAsync();
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _database.DisposeAsync();
    }

    private protected override async Task TakeBackupAsync() => _backup = await _database.DumpAsync();

    private protected override Task RestoreAsync() => _database.RestoreAsync(_backup);
}
