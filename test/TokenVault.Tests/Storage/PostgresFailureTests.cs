using System.Diagnostics;
using System.Text;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Testing;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Storage;

/// <summary>A database that breaks connections, dies, hangs or refuses. Each test has a server of its own to maltreat.</summary>
[NeedsPostgres]
public sealed class PostgresFailureTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private PostgresServer _server = null!;
    private string _database = null!;
    private PostgresStorage _here = null!;
    private PostgresStorage _there = null!;

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        _database = await _server.CreateDatabaseAsync();
        _here = await OpenAsync();
        _there = await OpenAsync();
    }

    public async Task DisposeAsync()
    {
        await _here.DisposeAsync();
        await _there.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_listener_that_was_cut_off_comes_back_and_says_that_anything_may_have_changed()
    {
        using var changes = new Changes(_there);
        await ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '% listener'");
        await changes.UntilAsync(new Change(null, ""));

        await EventuallyAsync(async () =>
        {
            await _here.CommitAsync(new Batch().Put(new Note { Id = "a" }));
            return changes.Take().Contains(new Change("note", "a"));
        });
    }

    [Fact]
    public async Task F_07_Connections_that_were_cut_off_while_idle_cost_no_call()
    {
        for (var round = 0; round < 5; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 10).Select(i => _here.FindAsync("note", $"{i}", default).AsTask()));
            await ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tokenvault-server'");
            (await _here.CommitAsync(new Batch().Put(new Note { Id = "a" }))).Committed.ShouldBeTrue();
            await ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tokenvault-server'");
            (await _here.FindAsync<Note>("a", default)).ShouldNotBeNull().Version.ShouldBe(round + 1);
        }
    }

    [Fact]
    public async Task F_07_After_a_crash_of_the_database_everything_acknowledged_is_there_and_service_resumes_by_itself()
    {
        var acknowledged = new List<string>();
        for (var round = 0; round < 3; round++)
        {
            using var changes = new Changes(_there);
            using var stop = new CancellationTokenSource();
            var load = Enumerable.Range(0, 8).Select(worker => Task.Run(() => WriteUntilAsync($"{round}.{worker}.", acknowledged, stop.Token))).ToArray();
            await EventuallyAsync(() => Task.FromResult(Count(acknowledged) >= 200 * (round + 1)));
            await _server.CrashAsync();
            await Should.ThrowAsync<Exception>(async () => await _here.ProbeAsync(default));
            await stop.CancelAsync();
            await Task.WhenAll(load).WaitAsync(Patience);

            var start = Stopwatch.GetTimestamp();
            await Should.ThrowAsync<StorageUnavailableException>(async () => await _here.FindAsync("note", "a", default));
            await Should.ThrowAsync<StorageUnavailableException>(async () => await _here.CommitAsync(new Batch().Put(new Note { Id = "a" })));
            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(5));
            changes.Take().ShouldContain(new Change(null, ""));

            await _server.StartAgainAsync();
            await EventuallyAsync(IsReadyAsync);
            changes.Take();
            (await _here.CommitAsync(new Batch().Put(new Note { Id = "told" }))).Committed.ShouldBeTrue();
            await changes.UntilAsync(new Change("note", "told"));
            foreach (var id in acknowledged)
            {
                (await _there.FindAsync("note", id, default)).ShouldNotBeNull(id);
            }
        }
    }

    [Fact]
    public async Task Contact_lost_during_COMMIT_is_reported_as_such_and_the_same_swap_tells_what_happened()
    {
        await _here.CommitAsync(new Batch().Add(new InsertOperation(Row("slow", "a", "old"))));

        // The check of a deferred constraint runs within COMMIT.
        await ExecuteAsync(
            """
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER hold AFTER UPDATE ON entity DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.kind = 'slow') EXECUTE FUNCTION hold();
            """);
        var commit = _here.CommitAsync(new Batch().Add(new ReplaceOperation(Row("slow", "a", "new", version: 1)))).AsTask();
        await EventuallyAsync(async () => await ExecuteAsync(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query ILIKE 'COMMIT%'") == "1");

        await Should.ThrowAsync<CommitOutcomeUnknownException>(() => commit.WaitAsync(Patience));

        await ExecuteAsync("DROP TRIGGER hold ON entity");
        (await _here.CommitAsync(new Batch().Add(new ReplaceOperation(Row("slow", "a", "new", version: 1))))).Committed.ShouldBeTrue();
        (await _here.CommitAsync(new Batch().Add(new ReplaceOperation(Row("slow", "a", "new", version: 1))))).Outcome.ShouldBe(CommitOutcome.VersionConflict);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T_ST_11_a_commit_that_takes_effect_after_its_node_lost_contact_is_heard_of_by_that_node_too(bool inGroup)
    {
        await using var cutOff = await PostgresStorage.OpenAsync(_database + ";Command Timeout=3;Cancellation Timeout=-1", TimeProvider.System);
        using var cache = new RecordCache(cutOff);
        await cutOff.CommitAsync(new Batch().Put(new Note { Id = "client", Text = "enabled" }));
        var note = (await cache.FindAsync<Note>("client", default)).ShouldNotBeNull();

        // COMMIT waits as it does for a standby, and is not to be moved by who gave up waiting.
        await ExecuteAsync(
            """
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN LOOP BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END';
            CREATE CONSTRAINT TRIGGER hold AFTER UPDATE ON entity DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.kind = 'note') EXECUTE FUNCTION hold();
            """);
        await using var blocker = new Npgsql.NpgsqlConnection(_database);
        await blocker.OpenAsync();
        await using (var transaction = await blocker.BeginTransactionAsync())
        {
            await using var hold = new Npgsql.NpgsqlCommand("SELECT pg_advisory_xact_lock(7)", blocker);
            await hold.ExecuteNonQueryAsync();
            var disabled = note with { Text = "disabled" };
            var batch = inGroup ? new Batch().Update(disabled) : new Batch().Replace(disabled);
            var commit = cutOff.CommitAsync(batch).AsTask();

            // Else a COMMIT that a busy machine never sent would look like one that took no effect.
            await EventuallyAsync(async () => await ExecuteAsync("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted") == "1");
            await Should.ThrowAsync<CommitOutcomeUnknownException>(() => commit.WaitAsync(Patience));
            (await cache.FindAsync<Note>("client", default)).ShouldNotBeNull().Text.ShouldBe("enabled");
        }

        await EventuallyAsync(async () => (await _here.FindAsync<Note>("client", default))!.Text == "disabled");
        await EventuallyAsync(async () => (await cache.FindAsync<Note>("client", default))!.Text == "disabled");
    }

    [Fact]
    public async Task Contact_lost_while_audit_rows_are_committed_is_no_failure()
    {
        await _here.CommitAsync(new Batch().Put(new Note { Id = "a" }));
        await ExecuteAsync(
            """
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold();
            """);
        await using var blocker = new Npgsql.NpgsqlConnection(_database);
        await blocker.OpenAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("SELECT pg_advisory_xact_lock(7)", blocker))
        {
            await hold.ExecuteNonQueryAsync();
        }

        var commit = _here.CommitAsync(new Batch().Require<Note>("a", 1).Append(new AuditRow("row", DateTimeOffset.UnixEpoch, []))).AsTask();
        await EventuallyAsync(async () => await ExecuteAsync(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'tokenvault-server'") == "1");
        await transaction.RollbackAsync();

        (await commit.WaitAsync(Patience)).Committed.ShouldBeTrue();
        (await _here.FindAuditAsync("row", default)).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_connection_lost_before_COMMIT_is_no_failure()
    {
        await using var blocker = new Npgsql.NpgsqlConnection(_database);
        await blocker.OpenAsync();
        await _here.CommitAsync(new Batch().Put(new Note { Id = "a" }));
        await using var transaction = await blocker.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("SELECT 1 FROM entity FOR UPDATE", blocker))
        {
            await hold.ExecuteNonQueryAsync();
        }

        var commit = _here.CommitAsync(new Batch().Put(new Note { Id = "a", Text = "new" })).AsTask();
        await EventuallyAsync(async () => await ExecuteAsync(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'tokenvault-server'") == "1");
        await transaction.RollbackAsync();

        (await commit.WaitAsync(Patience)).Committed.ShouldBeTrue();
        (await _here.FindAsync<Note>("a", default)).ShouldNotBeNull().Version.ShouldBe(2);
    }

    [Fact]
    public async Task A_row_that_somebody_holds_too_long_makes_the_commit_fail_and_changes_nothing()
    {
        await using var impatient = await PostgresStorage.OpenAsync(_database + ";Command Timeout=1", TimeProvider.System);
        await impatient.CommitAsync(new Batch().Put(new Note { Id = "a" }));
        await using var blocker = new Npgsql.NpgsqlConnection(_database);
        await blocker.OpenAsync();
        await using (var transaction = await blocker.BeginTransactionAsync())
        {
            await using var hold = new Npgsql.NpgsqlCommand("SELECT 1 FROM entity FOR UPDATE", blocker);
            await hold.ExecuteNonQueryAsync();
            await Should.ThrowAsync<StorageUnavailableException>(async () => await impatient.CommitAsync(new Batch().Put(new Note { Id = "a" })));
        }

        (await impatient.FindAsync<Note>("a", default)).ShouldNotBeNull().Version.ShouldBe(1);
        (await impatient.CommitAsync(new Batch().Put(new Note { Id = "a" }))).Committed.ShouldBeTrue();
    }

    [Fact]
    public async Task F_30_A_database_that_only_reads_takes_no_commit_and_is_not_ready()
    {
        await ExecuteAsync($"ALTER DATABASE {await ExecuteAsync("SELECT current_database()")} SET default_transaction_read_only = on");
        await using var standby = await OpenAsync();
        await Should.ThrowAsync<StorageUnavailableException>(async () => await standby.CommitAsync(new Batch().Put(new Note { Id = "a" })));
        await Should.ThrowAsync<StorageUnavailableException>(async () => await standby.ProbeAsync(default));
        (await standby.FindAsync("note", "a", default)).ShouldBeNull();
    }

    private static int Count(List<string> acknowledged)
    {
        lock (acknowledged)
        {
            return acknowledged.Count;
        }
    }

    private static Entity Row(string kind, string id, string body, long version = 0) => new(kind, id, version, null, Encoding.UTF8.GetBytes(body), []);

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        for (var start = Stopwatch.GetTimestamp(); !await condition();)
        {
            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(Patience);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
    }

    private async Task WriteUntilAsync(string prefix, List<string> acknowledged, CancellationToken stop)
    {
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            try
            {
                (await _here.CommitAsync(new Batch().Insert(new Note { Id = prefix + i, Name = prefix + i }))).Committed.ShouldBeTrue();
            }
            catch (Exception e) when (e is StorageUnavailableException or CommitOutcomeUnknownException)
            {
                continue;
            }

            lock (acknowledged)
            {
                acknowledged.Add(prefix + i);
            }
        }
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            await Task.WhenAll(_here.ProbeAsync(default).AsTask(), _there.ProbeAsync(default).AsTask());
            return true;
        }
        catch (StorageUnavailableException)
        {
            return false;
        }
    }

    private Task<string> ExecuteAsync(string sql) => _server.ExecuteAsync(_database, sql);

    private Task<PostgresStorage> OpenAsync() => PostgresStorage.OpenAsync(_database, TimeProvider.System);
}
