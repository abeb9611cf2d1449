using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

public abstract partial class StorageConformance
{
    [Fact]
    public async Task A_failing_last_operation_leaves_nothing_of_the_batch()
    {
        await CommittedAsync(
            new InsertOperation(Row("a", "old", keys: Name("n"))),
            new InsertOperation(Row("b", "old", keys: Owner("o"))),
            new InsertOperation(Row("c", "old")));

        await RefusedAsync(
            CommitOutcome.VersionConflict,
            7,
            new InsertOperation(Row("new", keys: [Name("m"), Owner("o")])),
            new ReplaceOperation(Row("a", "new", version: 1, keys: Name("moved"))),
            new DeleteIndexedOperation("owner", "o"),
            new PutOperation(Row("c", "new")),
            new DeleteOperation("note", "c", 2),
            new AppendOperation(Audit("lost")),
            new AcquireLeaseOperation("job", "me", TimeSpan.FromHours(1)),
            new RequireOperation("note", "a", 77));

        (await IdsAsync(new ListQuery("note"))).ShouldBe(["a", "b", "c"]);
        (await Storage.ListAsync(new ListQuery("note"), default)).ShouldAllBe(entity => entity.Version == 1 && Body(entity) == "old");
        (await IdByNameAsync("n")).ShouldBe("a");
        (await IdByNameAsync("m")).ShouldBeNull();
        (await IdByNameAsync("moved")).ShouldBeNull();
        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBe(["b"]);
        (await AuditIdsAsync()).ShouldBeEmpty();
        await CommittedAsync(new AcquireLeaseOperation("job", "another", TimeSpan.FromHours(1)));
    }

    [Fact]
    public async Task Each_operation_sees_the_ones_before_it()
    {
        await CommittedAsync(
            new InsertOperation(Row("a", "1", keys: Name("n"))),
            new ReplaceOperation(Row("a", "2", version: 1, keys: Name("m"))),
            new InsertOperation(Row("b", keys: Name("n"))),
            new RequireOperation("note", "a", 2),
            new PutOperation(Row("c", keys: Owner("o"))),
            new DeleteIndexedOperation("owner", "o"),
            new DeleteOperation("note", "a", 2),
            new InsertOperation(Row("a", "again", keys: Name("m"))));

        (await BodyAsync("a")).ShouldBe("again");
        (await FindAsync("a")).ShouldNotBeNull().Version.ShouldBe(1);
        (await IdByNameAsync("n")).ShouldBe("b");
        (await FindAsync("c")).ShouldBeNull();
    }

    [Fact]
    public async Task Rows_put_one_after_the_other_are_each_put_as_alone()
    {
        var soon = Clock.GetUtcNow().AddMinutes(1);
        await CommittedAsync(
            new InsertOperation(Row("named", "old", keys: [Name("n"), Owner("before")])),
            new InsertOperation(Row("kept", "old", keys: [Owner("o")])),
            new InsertOperation(Row("dead", "old", expiresAt: soon)),
            new ReplaceOperation(Row("dead", "old", version: 1, expiresAt: soon)));
        Clock.Advance(TimeSpan.FromMinutes(2));

        await CommittedAsync(
            new PutOperation(Row("named", "new", keys: Owner("o"))),
            new PutOperation(Row("kept", "new", keys: [Owner("o"), Owner("o"), Owner("p")])),
            new PutOperation(Row("dead", "new")),
            new PutOperation(Row("fresh", "new", expiresAt: Clock.GetUtcNow().AddMinutes(1), keys: Owner("o"))),
            new PutOperation(Row("fresh", "newer", keys: Owner("o"))));

        (await Storage.ListAsync(new ListQuery("note"), default)).Select(row => (row.Id, row.Version, Body(row)))
            .ShouldBe([("dead", 1, "new"), ("fresh", 2, "newer"), ("kept", 2, "new"), ("named", 2, "new")]);
        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBe(["fresh", "kept", "named"]);
        (await IdsAsync(new ListQuery("note") { Index = Owner("p") })).ShouldBe(["kept"]);
        (await IdsAsync(new ListQuery("note") { Index = Owner("before") })).ShouldBeEmpty();
        (await IdByNameAsync("n")).ShouldBeNull();
    }

    [Fact]
    public async Task Of_many_conditions_the_first_one_in_the_way_is_named()
    {
        var soon = Clock.GetUtcNow().AddMinutes(1);
        await CommittedAsync(
            new InsertOperation(Row("a")), new InsertOperation(Row("b")), new InsertOperation(Row("c", expiresAt: soon)), new InsertOperation(Row("d")));
        RequireOperation[] all = [new("note", "d", 1), new("note", "a", 1), new("note", "c", 1), new("note", "b", 1)];
        await CommittedAsync([.. all, new PutOperation(Row("done"))]);

        await RefusedAsync(CommitOutcome.VersionConflict, 3, [.. all[..3], new RequireOperation("note", "b", 2), new RequireOperation("note", "none", 1)]);
        Clock.Advance(TimeSpan.FromMinutes(2));
        await RefusedAsync(CommitOutcome.VersionConflict, 2, [.. all, new PutOperation(Row("undone"))]);
        await RefusedAsync(CommitOutcome.VersionConflict, 1, all[0], all[0] with { Version = 2 }, all[1]);
        (await FindAsync("undone")).ShouldBeNull();
    }

    [Fact]
    public async Task The_first_operation_in_the_way_is_named()
    {
        await CommittedAsync(new InsertOperation(Row("a")));
        await RefusedAsync(
            CommitOutcome.Duplicate,
            1,
            new InsertOperation(Row("b")),
            new InsertOperation(Row("a")),
            new RequireOperation("note", "none", 1));
    }

    [Fact]
    public async Task An_empty_batch_commits() => await CommittedAsync();

    [Fact]
    public async Task Batches_that_fail_do_not_affect_those_committed_at_the_same_time()
    {
        await CommittedAsync(new InsertOperation(Row("taken")));

        var results = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(async () => i % 2 == 0
            ? await CommitAsync(new InsertOperation(Row($"good{i:D3}")), new AppendOperation(Audit($"good{i:D3}")))
            : await CommitAsync(
                new InsertOperation(Row($"bad{i:D3}")),
                new AppendOperation(Audit($"bad{i:D3}")),
                new InsertOperation(Row("taken"))))));

        for (var i = 0; i < results.Length; i++)
        {
            results[i].ShouldBe(i % 2 == 0 ? new CommitResult(CommitOutcome.Committed) : new CommitResult(CommitOutcome.Duplicate, 2));
        }

        var good = Enumerable.Range(0, 100).Select(i => $"good{2 * i:D3}").ToArray();
        (await IdsAsync(new ListQuery("note") { Take = 1_000 })).ShouldBe([.. good, "taken"]);
        (await AuditIdsAsync()).Order(StringComparer.Ordinal).ShouldBe(good);
    }

    [Fact]
    public async Task Audit_rows_are_read_in_the_order_of_their_commits()
    {
        await CommittedAsync(new AppendOperation(Audit("1")), new AppendOperation(Audit("2")));
        await CommittedAsync(new AppendOperation(Audit("3")));
        await ReopenAsync();
        await CommittedAsync(new AppendOperation(Audit("4")));

        var rows = await Storage.ReadAuditAsync(0, 10, default);

        rows.Select(row => row.Id).ShouldBe(["1", "2", "3", "4"]);
        rows.Select(row => row.Sequence).ShouldBeInOrder();
        rows[0].Sequence.ShouldBeGreaterThan(0);
        rows[2].At.ShouldBe(Audit("3").At);
        rows[2].Body.ShouldBe(Audit("3").Body);
        (await AuditIdsAsync(after: rows[1].Sequence)).ShouldBe(["3", "4"]);
        (await AuditIdsAsync(after: rows[0].Sequence, take: 2)).ShouldBe(["2", "3"]);
        (await AuditIdsAsync(after: rows[3].Sequence)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Seals_are_read_without_the_bodies_that_they_are_of()
    {
        var open = Audit("open");
        await CommittedAsync(new AppendOperation(Audit("sealed") with { Mac = [1, 2, 3] }), new AppendOperation(open), new AppendOperation(Audit("last") with { Mac = [4] }));

        var rows = await Storage.ReadAuditSealsAsync(0, 10, default);

        rows.Select(row => (row.Sequence, row.Id, row.At)).ShouldBe((await Storage.ReadAuditAsync(0, 10, default)).Select(row => (row.Sequence, row.Id, row.At)));
        rows[0].Body.ShouldBeEmpty();
        rows[0].Mac.ShouldBe([1, 2, 3]);
        rows[1].Body.ShouldBe(open.Body);
        rows[1].Mac.ShouldBeNull();
        (await Storage.ReadAuditSealsAsync(rows[1].Sequence, 10, default)).ShouldHaveSingleItem().Id.ShouldBe("last");
        (await Storage.ReadAuditSealsAsync(0, 1, default)).ShouldHaveSingleItem().Id.ShouldBe("sealed");
    }

    [Fact]
    public async Task Observers_are_told_before_the_commit_returns()
    {
        var seen = new List<Change>();
        await CommittedAsync(new InsertOperation(Row("gone", keys: Owner("o"))), new InsertOperation(Row("gone", kind: "memo", keys: Owner("o"))));
        using var watch = Storage.Watch(seen.Add);

        await CommittedAsync(new InsertOperation(Row("a")), new PutOperation(Row("b")));
        seen.ShouldBe([new Change("note", "a"), new Change("note", "b")], ignoreOrder: true);

        seen.Clear();
        await CommittedAsync(new ReplaceOperation(Row("a", version: 1)));
        seen.ShouldBe([new Change("note", "a")]);

        seen.Clear();
        await CommittedAsync(new DeleteOperation("note", "a", 2), new DeleteIndexedOperation("owner", "o"));
        seen.ShouldBe([new Change("note", "a"), new Change("note", "gone"), new Change("memo", "gone")], ignoreOrder: true);
    }

    [Fact]
    public async Task Observers_find_what_they_are_told_of()
    {
        Entity? found = null;
        using var watch = Storage.Watch(change => found = Storage.FindAsync(change.Kind!, change.Id, default).AsTask().GetAwaiter().GetResult());
        await CommittedAsync(new InsertOperation(Row("a", "body")));
        Body(found).ShouldBe("body");
    }

    [Fact]
    public async Task Observers_are_not_told_of_batches_that_failed_nor_after_they_left()
    {
        var seen = new List<Change>();
        var watch = Storage.Watch(seen.Add);
        await RefusedAsync(CommitOutcome.VersionConflict, 1, new InsertOperation(Row("a")), new RequireOperation("note", "a", 2));
        seen.ShouldBeEmpty();

        watch.Dispose();
        watch.Dispose();
        await CommittedAsync(new InsertOperation(Row("a")));
        seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_observer_that_throws_breaks_neither_the_commit_nor_the_others()
    {
        var seen = new List<Change>();
        using var broken = Storage.Watch(_ => throw new InvalidOperationException("broken observer"));
        using var sound = Storage.Watch(seen.Add);

        await CommittedAsync(new InsertOperation(Row("a")));
        await CommittedAsync(new InsertOperation(Row("b")));

        seen.ShouldBe([new Change("note", "a"), new Change("note", "b")]);
    }
}
