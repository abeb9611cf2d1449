using System.Diagnostics;
using System.Text;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Postgres;
using TokenVault.Testing;
using TokenVault.Tests.Needs;

namespace TokenVault.Tests.Storage;

/// <summary>Several nodes on one database.</summary>
[NeedsPostgres]
public sealed class PostgresNodesTests : IAsyncLifetime
{
    private PostgresDatabase _database = null!;
    private PostgresStorage _here = null!;
    private PostgresStorage _there = null!;

    public async Task InitializeAsync()
    {
        _database = await PostgresDatabase.CreateAsync();
        _here = await OpenAsync();
        _there = await OpenAsync();
    }

    public async Task DisposeAsync()
    {
        await _here.DisposeAsync();
        await _there.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(4, true)]
    [InlineData(-4, true)]
    [InlineData(6, false)]
    [InlineData(-6, false)]
    [InlineData(3600, false)]
    public async Task F_18_a_node_whose_clock_is_off_is_not_ready(int seconds, bool ready)
    {
        var clock = new VaultClock(TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(seconds));
        await using var node = await PostgresStorage.OpenAsync(_database.ConnectionString, clock, clockTolerance: TimeSpan.FromSeconds(5));

        await (ready
            ? node.ProbeAsync(CancellationToken.None).AsTask()
            : Should.ThrowAsync<StorageUnavailableException>(() => node.ProbeAsync(CancellationToken.None).AsTask()));
    }

    [Fact]
    public async Task T_ST_11_a_change_is_heard_of_on_another_node_within_a_second()
    {
        using var changes = new Changes(_there);
        var delays = new List<TimeSpan>();
        for (var i = 0; i < 20; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await CommittedAsync(new PutOperation(Row($"{i}")));
            (await changes.NextAsync()).ShouldBe(new Change("note", $"{i}"));
            delays.Add(Stopwatch.GetElapsedTime(start));
        }

        // One of them may meet a machine that is busy with something else.
        delays.Order().ElementAt(delays.Count / 2).ShouldBeLessThan(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task T_ST_11_a_snapshot_in_memory_follows_the_other_nodes()
    {
        await _here.CommitAsync(new Batch().Insert(new Note { Id = "client", Text = "enabled" }));
        using var cache = new RecordCache(_there);
        using var changes = new Changes(_there);
        var note = (await cache.FindAsync<Note>("client", default)).ShouldNotBeNull();

        (await _here.CommitAsync(new Batch().Replace(note with { Text = "disabled" }))).Committed.ShouldBeTrue();
        await changes.UntilAsync(new Change("note", "client"));
        (await cache.FindAsync<Note>("client", default)).ShouldNotBeNull().Text.ShouldBe("disabled");

        (await _here.CommitAsync(new Batch().Delete(note.AtVersion(2)))).Committed.ShouldBeTrue();
        await changes.UntilAsync(new Change("note", "client"));
        (await cache.FindAsync<Note>("client", default)).ShouldBeNull();
    }

    [Fact]
    public async Task Another_node_hears_of_every_row_of_a_batch_and_the_own_observers_once()
    {
        await CommittedAsync(new InsertOperation(Row("gone1", EntityKey.Index("owner", "o"))), new InsertOperation(Row("gone2", EntityKey.Index("owner", "o"))));
        await CommittedAsync(new InsertOperation(Row("old")));
        using var own = new Changes(_here);
        using var changes = new Changes(_there);
        await CommittedAsync(
            new InsertOperation(Row("new")), new PutOperation(Row("put")), new DeleteOperation("note", "old", 1), new DeleteIndexedOperation("owner", "o"));
        await CommittedAsync(new PutOperation(Row("last")));

        await changes.UntilAsync(new Change("note", "last"));
        own.Take().Select(change => change.Id).ShouldBe(["new", "put", "old", "gone1", "gone2", "last"], ignoreOrder: true);
    }

    [Fact]
    public async Task Refused_batches_are_not_heard_of()
    {
        using var changes = new Changes(_there);
        (await _here.CommitAsync(BatchOf(new InsertOperation(Row("a")), new RequireOperation("note", "none", 1)))).Committed.ShouldBeFalse();
        await CommittedAsync(new PutOperation(Row("b")));
        (await changes.NextAsync()).ShouldBe(new Change("note", "b"));
    }

    [Theory]
    [InlineData("4:note2:ab")]
    [InlineData("'; NOTIFY tokenvault, 'x")]
    [InlineData("😀:\n\u0001")]
    [InlineData("")]
    public async Task Any_id_is_heard_of_as_it_is(string id)
    {
        using var changes = new Changes(_there);
        await CommittedAsync(new PutOperation(Row(id)), new PutOperation(Row("b")));
        (await changes.NextAsync()).ShouldBe(new Change("note", id));
        (await changes.NextAsync()).ShouldBe(new Change("note", "b"));
    }

    [Fact]
    public async Task More_changes_than_a_notice_holds_are_told_as_anything()
    {
        using var changes = new Changes(_there);
        await CommittedAsync([.. Enumerable.Range(0, 1_000).Select(i => new PutOperation(Row($"row number {i}".PadRight(100))))]);
        (await changes.NextAsync()).Kind.ShouldBeNull();
        await CommittedAsync(new PutOperation(Row(new string('é', 5_000)[..1_000])));
        (await changes.NextAsync()).Id.ShouldBe(new string('é', 1_000));
    }

    [Fact]
    public async Task A_name_for_each_row_of_a_full_group_is_told_and_makes_nobody_forget_the_rest()
    {
        using var changes = new Changes(_there);
        var names = Enumerable.Range(0, 512).Select(i => Identifier.Hash($"{i}")).ToList();
        await CommittedAsync([.. names.Select(name => new InsertOperation(Row(name)))]);
        foreach (var name in names)
        {
            (await changes.NextAsync()).ShouldBe(new Change("note", name));
        }
    }

    [Theory]
    [InlineData("append")]
    [InlineData("append and insert, which locks")]
    public async Task T_ST_11_a_row_that_is_required_at_every_moment_can_be_changed_all_the_same(string how)
    {
        // Each group takes its time, so that others have locked the row before it is done.
        await _database.ExecuteAsync(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.01 + random() * 0.02); RETURN NULL; END'");
        await _database.ExecuteAsync("CREATE TRIGGER slow BEFORE INSERT ON audit FOR EACH STATEMENT EXECUTE FUNCTION slow()");
        await CommittedAsync(new InsertOperation(Row("user")));
        await using var third = await OpenAsync();
        await using var fourth = await OpenAsync();
        await using var fifth = await OpenAsync();
        var exchanges = ((PostgresStorage[])[_here, _there, third, fourth, fifth]).SelectMany(node => Enumerable.Repeat(node, 4))
            .Select(node => Task.Run(() => ExchangeUntilChangedAsync(node)))
            .ToList();
        (await AppendAsync(_there)).Committed.ShouldBeTrue();

        await CommittedAsync(new ReplaceOperation(Row("user") with { Version = 1 }));
        await Task.WhenAll(exchanges);

        async Task ExchangeUntilChangedAsync(PostgresStorage node)
        {
            while ((await AppendAsync(node)).Committed)
            {
            }
        }

        ValueTask<CommitResult> AppendAsync(PostgresStorage node) => node.CommitAsync(BatchOf(
        [
            new RequireOperation("note", "user", 1),
            .. how == "append" ? (Operation[])[] : [new InsertOperation(Row(Identifier.Secret()))],
            new AppendOperation(new AuditRow(Identifier.Secret(), DateTimeOffset.UnixEpoch, [])),
        ]));
    }

    [Theory]
    [InlineData("0123456789abcdef4:note")]
    [InlineData("0123456789abcdef4:note99999999999:a")]
    [InlineData("0123456789abcdefnote")]
    [InlineData("no")]
    public async Task A_notice_that_cannot_be_read_is_taken_as_anything(string payload)
    {
        using var changes = new Changes(_there);
        await _database.ExecuteAsync($"NOTIFY tokenvault, '{payload}'");
        (await changes.NextAsync()).Kind.ShouldBeNull();
    }

    [Fact]
    public async Task A_lease_is_held_against_another_node_and_fences_grow_across_nodes()
    {
        var fences = new List<long>();
        foreach (var node in (IStorage[])[_here, _there, _here])
        {
            var lease = await node.CommitAsync(new Batch().AcquireLease("job", $"{fences.Count}", TimeSpan.FromMinutes(1)));
            lease.Committed.ShouldBeTrue();
            fences.Add(lease.Fence);
            foreach (var other in (IStorage[])[_here, _there])
            {
                (await other.CommitAsync(new Batch().AcquireLease("job", "another", TimeSpan.FromMinutes(1)))).Outcome.ShouldBe(CommitOutcome.LeaseConflict);
            }

            (await node.CommitAsync(new Batch().ReleaseLease("job", lease.Fence))).Committed.ShouldBeTrue();
        }

        fences.ShouldBe(fences.Distinct().Order());
    }

    [Fact]
    public async Task Fences_grow_although_nodes_take_the_lease_from_each_other_all_the_time()
    {
        var last = 0L;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            var node = i % 2 == 0 ? _here : _there;
            for (var round = 0; round < 40; round++)
            {
                // Within the lease's own transaction, the row shows which fence was the newest when this one was given out.
                var result = await node.CommitAsync(new Batch().AcquireLease("job", "all the same", TimeSpan.FromMinutes(1)));
                result.Committed.ShouldBeTrue();
                InterlockedMax(ref last, result.Fence);
            }
        })));

        (await _database.ExecuteAsync("SELECT fence FROM lease WHERE name = 'job'")).ShouldBe($"{last}");
    }

    [Fact]
    public async Task Batches_that_name_the_same_rows_in_opposite_orders_all_commit()
    {
        await CommittedAsync(new InsertOperation(Row("a")), new InsertOperation(Row("b")), new InsertOperation(Row("c")));
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            string[] ids = i % 2 == 0 ? ["a", "b", "c"] : ["c", "b", "a"];
            for (var round = 0; round < 20; round++)
            {
                (await (i % 4 < 2 ? _here : _there).CommitAsync(BatchOf([.. ids.Select(id => new PutOperation(Row(id)))]))).Committed.ShouldBeTrue();
            }
        })));

        (await _here.FindAsync("note", "b", default)).ShouldNotBeNull().Version.ShouldBe(1 + (16 * 20));
        (await _database.ExecuteAsync("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")).ShouldBe("0");
    }

    [Fact]
    public async Task Deadlocks_that_no_order_prevents_are_tried_again()
    {
        // Unique keys are taken as the operations come.
        var results = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(async () =>
        {
            string[] keys = i % 2 == 0 ? ["k1", "k2"] : ["k2", "k1"];
            return await (i % 4 < 2 ? _here : _there).CommitAsync(
                BatchOf([.. keys.Select(key => new InsertOperation(Row($"{i}.{key}", EntityKey.UniqueKey("name", key))))]));
        })));

        results.Count(result => result.Committed).ShouldBe(1);
        results.Count(result => result.Outcome == CommitOutcome.Duplicate).ShouldBe(11);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        for (var seen = Volatile.Read(ref target); seen < value;)
        {
            seen = Interlocked.CompareExchange(ref target, value, seen) is var before && before == seen ? value : before;
        }
    }

    private static Entity Row(string id, params EntityKey[] keys) => new("note", id, 0, null, Encoding.UTF8.GetBytes("{}"), keys);

    private static Batch BatchOf(params Operation[] operations) => operations.Aggregate(new Batch(), (batch, operation) => batch.Add(operation));

    private Task<PostgresStorage> OpenAsync() => PostgresStorage.OpenAsync(_database.ConnectionString, TimeProvider.System);

    private async Task CommittedAsync(params Operation[] operations) => (await _here.CommitAsync(BatchOf(operations))).Committed.ShouldBeTrue();
}
