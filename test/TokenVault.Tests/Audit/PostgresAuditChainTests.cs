using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Tests.Needs;
using TokenVault.Tests.Storage;

namespace TokenVault.Tests.Audit;

[NeedsPostgres]
public sealed class PostgresAuditChainTests : AuditChainTests
{
    private PostgresDatabase? _database;

    private protected override string FirstLayout => "UPDATE schema_version SET version = 1";

    private protected override async Task<IStorage> OpenAsync()
    {
        _database ??= await PostgresDatabase.CreateAsync();
        return await PostgresStorage.OpenAsync(_database.ConnectionString, Clock);
    }

    private protected override Task ExecuteAsync(string sql) => _database!.ExecuteAsync(sql);

    private protected override string AlterBody(long sequence) =>
        $"UPDATE audit SET body = set_byte(body, 40, get_byte(body, 40) # 1) WHERE sequence = {sequence}";

    private protected override string Bytes(string sql) => sql.Replace("body = id", "body = convert_to(id, 'UTF8')", StringComparison.Ordinal);

    private protected override async Task RemoveAsync() => await _database!.DisposeAsync();
}
