using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Testing;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Storage;

/// <summary>With how few rights the server runs, once somebody else has made its tables.</summary>
[NeedsPostgres]
public sealed class PostgresRightsTests
{
    [Fact]
    public async Task T_EN_13_The_server_needs_no_right_to_change_or_remove_audit_rows()
    {
        var server = await PostgresServer.Shared;
        var database = await server.CreateDatabaseAsync();
        await (await PostgresStorage.OpenAsync(database, TimeProvider.System)).DisposeAsync();
        await server.ExecuteAsync(
            database,
            """
            CREATE ROLE app LOGIN;
            GRANT SELECT, INSERT, UPDATE, DELETE ON entity, unique_key, index_key, lease, probe TO app;
            GRANT SELECT ON schema_version TO app;
            GRANT SELECT, INSERT ON audit TO app;
            GRANT SELECT, USAGE ON audit_sequence, fence TO app;
            """);
        await using var storage = await PostgresStorage.OpenAsync(database + ";Username=app", TimeProvider.System);
        var lease = await storage.CommitAsync(new Batch()
            .AcquireLease("job", "me", TimeSpan.FromMinutes(1)).Put(new Note { Id = "a", Name = "n" }).Append(new AuditRow("1", DateTimeOffset.UnixEpoch, [])));
        lease.Committed.ShouldBeTrue();
        (await storage.CommitAsync(new Batch().Append(new AuditRow("2", DateTimeOffset.UnixEpoch, [])))).Committed.ShouldBeTrue();
        (await storage.ReadAuditAsync(0, 10, default)).Count.ShouldBe(2);
        await storage.PurgeExpiredAsync(10, default);
        await storage.ProbeAsync(default);

        await using var app = new Npgsql.NpgsqlConnection(database + ";Username=app");
        await app.OpenAsync();
        foreach (var sql in (string[])["DELETE FROM audit", "UPDATE audit SET body = ''", "TRUNCATE audit", "DROP TABLE audit"])
        {
            await using var command = new Npgsql.NpgsqlCommand(sql, app);
            (await Should.ThrowAsync<Npgsql.PostgresException>(() => command.ExecuteNonQueryAsync())).SqlState.ShouldBe("42501");
        }
    }
}
