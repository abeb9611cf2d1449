using System.Globalization;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Storage;

[NeedsPostgres]
public sealed class PostgresConformance : StorageConformance
{
    private PostgresDatabase? _database;

    private protected override async Task<IStorage> OpenAsync()
    {
        _database ??= await PostgresDatabase.CreateAsync();
        return await PostgresStorage.OpenAsync(_database.ConnectionString, Clock);
    }

    // What a killed process leaves behind is what the database has.
    private protected override Task<IStorage> OpenAfterCrashAsync() => OpenAsync();

    private protected override Task AdvanceLeaseClock(TimeSpan by) =>
        _database!.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"UPDATE lease SET until = until - interval '{by.TotalSeconds} s'"));

    private protected override async Task RemoveAsync() => await _database!.DisposeAsync();
}
