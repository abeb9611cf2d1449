using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Vault;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Storage;

/// <summary>Who goes with whom, and who waits for whom.</summary>
[NeedsPostgres]
public sealed class PostgresAuditGroupTests : IAsyncLifetime
{
    private readonly VaultClock _clock = new();
    private PostgresDatabase _database = null!;
    private PostgresStorage _storage = null!;

    public async Task InitializeAsync()
    {
        _database = await PostgresDatabase.CreateAsync();
        _storage = await PostgresStorage.OpenAsync(_database.ConnectionString, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        await _storage.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task F_33_An_append_does_not_wait_for_a_group_that_waits_for_a_writer()
    {
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await using var writer = await HoldAsync(connection, $"SELECT pg_advisory_xact_lock({PostgresGate.Lock})");
        var worker = _storage.CommitAsync(new Batch().Insert(new Note { Id = "once" }).Append(Row())).AsTask();

        (await _storage.CommitAsync(new Batch().Append(Row()))).Committed.ShouldBeTrue();
        (await _storage.CommitAsync(new Batch().Append(Row()))).Committed.ShouldBeTrue();
        worker.IsCompleted.ShouldBeFalse();

        await writer.CommitAsync();
        (await worker).Committed.ShouldBeTrue();
    }

    [Fact]
    public async Task Enough_go_beside_a_group_that_is_under_way_and_the_rest_together_after_it()
    {
        await using var pool = Pool();
        var group = Group(pool);
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await using var holder = await HoldAsync(connection, "LOCK TABLE audit IN EXCLUSIVE MODE");
        var commits = Commit(group, 1 + PostgresAuditGroup.Worthwhile + 50);

        await holder.CommitAsync();
        await Task.WhenAll(commits);
        (await GroupsAsync()).ShouldBe($"1 {PostgresAuditGroup.Worthwhile} 50");
    }

    [Fact]
    public async Task One_goes_beside_a_group_that_takes_long()
    {
        await using var pool = Pool();
        var group = Group(pool);
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await using var holder = await HoldAsync(connection, "LOCK TABLE audit IN EXCLUSIVE MODE");
        var commits = Commit(group, 2);
        await VaultScene.UntilAsync(
            async () => await _database.ExecuteAsync("SELECT count(*) FROM pg_locks WHERE relation = 'audit'::regclass AND NOT granted") == "2",
            () => _clock.Advance(PostgresAuditGroup.Patience));
        commits.AddRange(Commit(group, 30));

        await holder.CommitAsync();
        await Task.WhenAll(commits);
        (await GroupsAsync()).ShouldBe("1 1 30");
    }

    private static AuditRow Row() => new("row", DateTimeOffset.UnixEpoch, []);

    private static List<Task> Commit(PostgresAuditGroup group, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => group.CommitAsync([new AppendOperation(Row())]))];

    /// <summary>In a transaction of somebody else, until it ends.</summary>
    private static async Task<NpgsqlTransaction> HoldAsync(NpgsqlConnection connection, string sql)
    {
        await connection.OpenAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        await command.ExecuteNonQueryAsync();
        return transaction;
    }

    private PostgresPool Pool() => new(PostgresSettings.Parse(_database.ConnectionString)!.ForGroups);

    /// <summary>Whose patience ends when the test says so.</summary>
    private PostgresAuditGroup Group(PostgresPool pool)
    {
        var commit = new PostgresCommit(pool, new PostgresNotices(new ChangeFeed(NullLogger.Instance)), TimeProvider.System);
        return new PostgresAuditGroup(commit, commit, _clock);
    }

    /// <summary>How many rows each transaction has written, the least first.</summary>
    private Task<string> GroupsAsync() =>
        _database.ExecuteAsync("SELECT string_agg(rows::text, ' ' ORDER BY rows) FROM (SELECT count(*) AS rows FROM audit GROUP BY xmin::text) AS transaction");
}
