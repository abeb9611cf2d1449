using System.Diagnostics;
using System.Text;
using TokenVault.Server;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Tests.Flows.Vault;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Storage;

[NeedsPostgres]
public sealed class PostgresStorageTests : IAsyncLifetime
{
    private const string Password = "s3cr3t-of-the-database";

    private PostgresDatabase _database = null!;

    public async Task InitializeAsync() => _database = await PostgresDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_newer_schema_is_refused_and_left_as_it_is()
    {
        await (await OpenAsync()).DisposeAsync();
        await _database.ExecuteAsync("UPDATE schema_version SET version = 99");

        (await Should.ThrowAsync<StartupException>(OpenAsync)).Message.ShouldContain("schema 99");

        (await _database.ExecuteAsync("SELECT version FROM schema_version")).ShouldBe("99");
        await _database.ExecuteAsync($"UPDATE schema_version SET version = {PostgresSchema.Newest}");
        await (await OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task F_25_Nodes_that_start_together_on_an_empty_database_migrate_it_once()
    {
        var nodes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(OpenAsync)));

        for (var i = 0; i < nodes.Length; i++)
        {
            (await nodes[i].CommitAsync(new Batch().Insert(new Note { Id = $"{i}" }))).Committed.ShouldBeTrue();
        }

        (await nodes[0].CountAsync(new ListQuery("note"), default)).ShouldBe(4);
        (await _database.ExecuteAsync("SELECT version FROM schema_version")).ShouldBe($"{PostgresSchema.Newest}");
        await Task.WhenAll(nodes.Select(node => node.DisposeAsync().AsTask()));
    }

    [Fact]
    public async Task A_migration_that_fails_leaves_nothing_behind()
    {
        await _database.ExecuteAsync("CREATE TABLE lease (name text)");
        (await Should.ThrowAsync<StartupException>(OpenAsync)).Message.ShouldContain("cannot be used");
        (await _database.ExecuteAsync("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")).ShouldBe("1");
    }

    [Theory]
    [InlineData("Host=/no/such/directory;Username=u;Database=vault;Password=" + Password)]
    [InlineData("Host=127.0.0.1;Port=1;Username=u;Database=vault;Password=" + Password)]
    [InlineData("Host=name.invalid;Username=u;Database=vault;Password=" + Password)]
    public async Task An_unreachable_database_is_told_in_one_line_without_the_password(string connectionString)
    {
        var start = Stopwatch.GetTimestamp();
        var refusal = await Should.ThrowAsync<StartupException>(() => PostgresStorage.OpenAsync(connectionString, TimeProvider.System));

        refusal.Message.ShouldStartWith("The database 'vault' at ");
        refusal.Message.ShouldNotContain('\n');
        refusal.Message.ShouldNotContain(Password);
        Stopwatch.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("postgres://u:" + Password + "@host/vault")]
    [InlineData("Database=vault;Password=" + Password)]
    [InlineData("Host=h;Password=half;" + Password + "=x")]
    [InlineData("Host=h;Port=many")]
    [InlineData("")]
    public async Task What_is_no_connection_string_is_refused_without_repeating_it(string connectionString)
    {
        PostgresSettings.Parse(connectionString).ShouldBeNull();
        var refusal = await Should.ThrowAsync<StartupException>(() => PostgresStorage.OpenAsync(connectionString, TimeProvider.System));
        refusal.Message.ShouldNotContain(Password);
    }

    [Fact]
    public async Task A_database_that_forgets_commits_is_refused()
    {
        await _database.ExecuteAsync($"ALTER DATABASE {_database.Name} SET synchronous_commit = off");
        (await Should.ThrowAsync<StartupException>(OpenAsync)).Message.ShouldContain("synchronous_commit");
    }

    [Theory]
    [MemberData(nameof(Injections))]
    public async Task T_EN_12_sql_in_names_and_values_stays_text(string text)
    {
        await using var storage = await OpenAsync();
        var row = new Entity(text, text, 0, null, Encoding.UTF8.GetBytes(text), [EntityKey.UniqueKey(text, text), EntityKey.Index(text, text)]);
        var lease = await storage.CommitAsync(new Batch()
            .Add(new InsertOperation(row))
            .Append(new AuditRow(text, DateTimeOffset.UnixEpoch, []))
            .AcquireLease(text, text, TimeSpan.FromMinutes(1)));
        lease.Committed.ShouldBeTrue();

        (await storage.FindAsync(text, text, default)).ShouldNotBeNull().Body.ShouldBe(row.Body);
        (await storage.FindByKeyAsync(text, text, text, default)).ShouldNotBeNull().Id.ShouldBe(text);
        (await storage.ListAsync(new ListQuery(text) { Index = EntityKey.Index(text, text), After = "" }, default)).ShouldHaveSingleItem().Id.ShouldBe(text);
        (await storage.CountAsync(new ListQuery(text), default)).ShouldBe(1);
        (await storage.ReadAuditAsync(0, 10, default)).ShouldHaveSingleItem().Id.ShouldBe(text);
        var batch = new Batch().RequireFence(text, lease.Fence).Add(new DeleteOperation(text, text, 1)).DeleteIndexed(text, text).ReleaseLease(text, lease.Fence);
        (await storage.CommitAsync(batch)).Committed.ShouldBeTrue();
        (await storage.FindAsync(text, text, default)).ShouldBeNull();
    }

    public static TheoryData<string> Injections() =>
    [
        "'; DROP TABLE entity; --", "\" OR 1=1 --", "$1", "$$ OR true $$", "\\'; COMMIT; --", "%", "_", "E'\\x27'", "{}", "{\"a\",NULL}", "NULL",
        "1); DELETE FROM audit; --", ":name", "@p0", "??", "/* */", "\u001f\u0001", "\u202e", "ﾠ", "'||pg_sleep(10)||'",
    ];

    [Theory]
    [InlineData("a\0b")]
    [InlineData("\ud800")]
    [InlineData("a\udc00")]
    public async Task Text_that_PostgreSQL_cannot_hold_is_not_found(string text)
    {
        await using var storage = await OpenAsync();
        (await storage.FindAsync("note", text, default)).ShouldBeNull();
        (await storage.FindByKeyAsync("note", "name", text, default)).ShouldBeNull();
        (await storage.ListAsync(new ListQuery("note") { Index = EntityKey.Index("owner", text) }, default)).ShouldBeEmpty();
        (await storage.CountAsync(new ListQuery("note") { Index = EntityKey.Index("owner", text) }, default)).ShouldBe(0);
    }

    [Fact]
    public async Task F_31_A_pool_that_is_far_too_small_makes_calls_wait_and_not_fail()
    {
        await using var storage = await PostgresStorage.OpenAsync(_database.ConnectionString + ";Maximum Pool Size=2", TimeProvider.System);
        var calls = Enumerable.Range(0, 100).Select(i => Task.Run(async () =>
        {
            (await storage.CommitAsync(new Batch().Insert(new Note { Id = $"{i}" }).Append(new AuditRow($"{i}", DateTimeOffset.UnixEpoch, [])))).Committed.ShouldBeTrue();
            await storage.CommitAsync(new Batch().Append(new AuditRow($"{i}", DateTimeOffset.UnixEpoch, [])));
            await storage.ListAsync(new ListQuery("note"), default);
            await storage.PurgeExpiredAsync(10, default);
        }));
        await Task.WhenAll(calls).WaitAsync(TimeSpan.FromSeconds(60));

        (await storage.ReadAuditAsync(0, 1_000, default)).Count.ShouldBe(200);
    }

    [Fact]
    public async Task A_purge_and_the_count_of_a_small_kind_do_not_read_the_whole_table()
    {
        const string scans = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'entity'";
        await using (var storage = await OpenAsync())
        {
            await storage.CommitAsync(new Batch().Insert(new Note { Id = "a" }));
            await _database.ExecuteAsync(
                """
                INSERT INTO entity SELECT 'other', md5(i::text), 1, 4000000000000000 + abs(hashint4(i)::bigint), decode(repeat(md5(i::text), 8), 'hex') FROM generate_series(1, 20000) AS i;
                ANALYZE entity;
                SELECT pg_stat_reset();
                """);
            for (var i = 0; i < 10; i++)
            {
                (await storage.PurgeExpiredAsync(1_000, default)).ShouldBe(0);
                (await storage.CountAsync(new ListQuery("note"), default)).ShouldBe(1);
            }
        }

        // What a connection's process has counted is there when it has ended.
        await VaultScene.UntilAsync(async () => await _database.ExecuteAsync(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()") == "0");

        (await _database.ExecuteAsync(scans)).ShouldBe("0");
    }

    [Fact]
    public async Task T_ST_11_Audit_rows_whose_COMMIT_is_refused_are_not_committed()
    {
        await using var storage = await OpenAsync();
        await storage.CommitAsync(new Batch().Insert(new Note { Id = "a" }));
        await _database.ExecuteAsync(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id = ''bad'' THEN RAISE ''no''; END IF; RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
            """);
        var commits = Enumerable.Range(0, 20)
            .Select(i => storage.CommitAsync(new Batch().Require<Note>("a", 1).Append(new AuditRow(i == 10 ? "bad" : $"{i}", DateTimeOffset.UnixEpoch, []))).AsTask())
            .ToList();

        await Should.ThrowAsync<Npgsql.PostgresException>(commits[10]);
        commits.RemoveAt(10);
        (await Task.WhenAll(commits)).ShouldAllBe(result => result.Committed);
        (await storage.ReadAuditAsync(0, 100, default)).Count.ShouldBe(19);
    }

    [Fact]
    public async Task A_reader_of_the_audit_that_goes_by_sequence_misses_nothing()
    {
        await using var storage = await OpenAsync();
        var seen = new List<long>();
        using var done = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                // With a row, so that each is a transaction of its own.
                await storage.CommitAsync(new Batch().Put(new Note { Id = $"{worker}" }).Append(new AuditRow("a", DateTimeOffset.UnixEpoch, [])));
            }
        })).ToArray();
        var all = Task.WhenAll(writers);
        while (seen.Count < 8 * 50)
        {
            var finished = all.IsCompleted;
            var rows = await storage.ReadAuditAsync(seen.LastOrDefault(), 1_000, default);
            seen.AddRange(rows.Select(row => row.Sequence));
            (finished && rows.Count == 0).ShouldBeFalse($"{(8 * 50) - seen.Count} rows were missed");
        }

        seen.ShouldBe(seen.Order());
    }

    [Fact]
    public async Task Audit_rows_behind_one_that_is_not_committed_wait_for_it_but_not_for_ever()
    {
        await using var storage = await OpenAsync();
        await storage.CommitAsync(new Batch().Append(new AuditRow("1", DateTimeOffset.UnixEpoch, [])));
        await using var paused = new Npgsql.NpgsqlConnection(_database.ConnectionString);
        await paused.OpenAsync();
        await using var transaction = await paused.BeginTransactionAsync();
        await using (var script = new PostgresScript(paused))
        {
            PostgresAudit.Append(script, [new AuditRow("2", DateTimeOffset.UnixEpoch, [])]);
            (await script.ExecuteAsync()).ShouldBeNull();
        }

        await storage.CommitAsync(new Batch().Append(new AuditRow("3", DateTimeOffset.UnixEpoch, [])));
        (await storage.ReadAuditAsync(0, 10, default)).Select(row => row.Id).ShouldBe(["1"]);

        await transaction.CommitAsync();
        (await storage.ReadAuditAsync(0, 10, default)).Select(row => row.Id).ShouldBe(["1", "2", "3"]);
    }

    [Fact]
    public async Task F_33_A_writer_that_stands_still_with_a_row_holds_up_no_append()
    {
        await using var storage = await OpenAsync();
        await storage.CommitAsync(new Batch().Insert(new Note { Id = "held" }).Insert(new Note { Id = "free" }));
        await using var writer = new Npgsql.NpgsqlConnection(_database.ConnectionString);
        await writer.OpenAsync();
        await using var transaction = await writer.BeginTransactionAsync();
        await using var write = new Npgsql.NpgsqlCommand("UPDATE entity SET version = version + 1 WHERE id = 'held'", writer, transaction);
        await write.ExecuteNonQueryAsync();

        // Neither of the others, nor of those that require the row: they come before the writer, until it has committed.
        for (var i = 0; i < 20; i++)
        {
            (await storage.CommitAsync(Append(i % 2 == 0 ? "free" : "held", $"{i}"))).Committed.ShouldBeTrue();
        }

        await transaction.CommitAsync();
        (await storage.CommitAsync(Append("held", "late"))).Outcome.ShouldBe(CommitOutcome.VersionConflict);
        (await storage.ReadAuditAsync(0, 100, default)).Count.ShouldBe(20);

        static Batch Append(string required, string id) =>
            new Batch().Require(new Note { Id = required, Version = 1 }).Append(new AuditRow(id, DateTimeOffset.UnixEpoch, []));
    }

    private Task<PostgresStorage> OpenAsync() => PostgresStorage.OpenAsync(_database.ConnectionString, TimeProvider.System);
}
