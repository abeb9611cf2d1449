using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Tests.Storage;

namespace TokenVault.Tests.Audit;

public sealed class SqliteAuditChainTests : AuditChainTests, IDisposable
{
    private readonly DatabaseDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private protected override string FirstLayout => "PRAGMA user_version=1";

    private protected override string[] LaterLayouts =>
        ["DROP TABLE audit_user", "DROP TABLE audit_user_parts", "CREATE INDEX audit_user ON audit (user_id, id) WHERE user_id IS NOT NULL"];

    private protected override Task<IStorage> OpenAsync() => Task.FromResult<IStorage>(SqliteStorage.Open(_directory.File, Clock));

    private protected override Task ExecuteAsync(string sql)
    {
        using var connection = SqliteConnection.OpenWriter(_directory.File);
        connection.Execute(sql);
        return Task.CompletedTask;
    }

    private protected override string AlterBody(long sequence) =>
        $"UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'seta', 'setb') AS BLOB) WHERE sequence = {sequence}";
}
