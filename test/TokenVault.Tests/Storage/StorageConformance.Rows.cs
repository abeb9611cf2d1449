using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

public abstract partial class StorageConformance
{
    [Fact]
    public async Task An_inserted_row_is_found_as_it_was_written_at_version_1()
    {
        var expiresAt = Clock.GetUtcNow().AddMinutes(5).AddMicroseconds(3);
        await CommittedAsync(new InsertOperation(Row("a|é 😀", """{"x":"ü"}""", expiresAt: expiresAt)), new InsertOperation(Row("empty", "")));

        var found = (await FindAsync("a|é 😀")).ShouldNotBeNull();

        found.Kind.ShouldBe("note");
        found.Id.ShouldBe("a|é 😀");
        found.Version.ShouldBe(1);
        found.ExpiresAt.ShouldBe(expiresAt);
        Body(found).ShouldBe("""{"x":"ü"}""");
        (await FindAsync("empty")).ShouldNotBeNull().ShouldSatisfyAllConditions(
            empty => empty.Body.ShouldBeEmpty(),
            empty => empty.ExpiresAt.ShouldBeNull());
    }

    [Fact]
    public async Task A_large_body_comes_back_unchanged()
    {
        var body = new string('x', 300_000);
        await CommittedAsync(new InsertOperation(Row("large", body)));
        (await BodyAsync("large")).ShouldBe(body);
    }

    [Theory]
    [InlineData("A")]
    [InlineData("a ")]
    [InlineData("")]
    [InlineData("á")]
    [InlineData("a\0")]
    [InlineData("a\0b")]
    public async Task Another_id_is_not_found_however_similar(string id)
    {
        await CommittedAsync(new InsertOperation(Row("a", keys: Name("a"))));
        (await FindAsync(id)).ShouldBeNull();
        (await IdByNameAsync(id)).ShouldBeNull();
    }

    [Fact]
    public async Task Kinds_do_not_meet()
    {
        await CommittedAsync(new InsertOperation(Row("a", "1", keys: Name("n"))), new InsertOperation(Row("a", "2", kind: "memo", keys: Name("n"))));

        (await BodyAsync("a")).ShouldBe("1");
        (await BodyAsync("a", "memo")).ShouldBe("2");
        (await FindAsync("a", "other")).ShouldBeNull();
        (await IdByNameAsync("n", "other")).ShouldBeNull();
    }

    [Fact]
    public async Task An_insert_over_a_live_row_is_a_duplicate_and_changes_nothing()
    {
        await CommittedAsync(new InsertOperation(Row("a", "first")));
        await RefusedAsync(CommitOutcome.Duplicate, 0, new InsertOperation(Row("a", "second")));
        (await BodyAsync("a")).ShouldBe("first");
    }

    [Fact]
    public async Task A_replace_needs_the_version_that_was_read()
    {
        await CommittedAsync(new InsertOperation(Row("a", "1")));
        await CommittedAsync(new ReplaceOperation(Row("a", "2", version: 1)));

        await RefusedAsync(CommitOutcome.VersionConflict, 0, new ReplaceOperation(Row("a", "3", version: 1)));
        await RefusedAsync(CommitOutcome.VersionConflict, 0, new ReplaceOperation(Row("a", "3", version: 3)));
        await RefusedAsync(CommitOutcome.VersionConflict, 0, new ReplaceOperation(Row("none", "3", version: 1)));

        var found = (await FindAsync("a")).ShouldNotBeNull();
        found.Version.ShouldBe(2);
        Body(found).ShouldBe("2");
    }

    [Fact]
    public async Task Of_64_parallel_replaces_at_one_version_one_wins()
    {
        await CommittedAsync(new InsertOperation(Row("a")));

        var results = await Task.WhenAll(Enumerable.Range(0, 64).Select(i =>
            Task.Run(async () => await CommitAsync(new ReplaceOperation(Row("a", $"{i}", version: 1)), new AppendOperation(Audit($"{i}"))))));

        results.Count(result => result.Committed).ShouldBe(1);
        results.Count(result => result.Outcome == CommitOutcome.VersionConflict).ShouldBe(63);
        var winner = Array.FindIndex(results, result => result.Committed);
        (await BodyAsync("a")).ShouldBe($"{winner}");
        (await AuditIdsAsync()).ShouldBe([$"{winner}"]);
    }

    [Fact]
    public async Task A_put_inserts_and_then_overwrites_at_the_next_version()
    {
        await CommittedAsync(new PutOperation(Row("a", "1", keys: Name("one"))));
        (await FindAsync("a")).ShouldNotBeNull().Version.ShouldBe(1);

        await CommittedAsync(new PutOperation(Row("a", "2", version: 77, keys: Name("two"))));

        (await FindAsync("a")).ShouldNotBeNull().Version.ShouldBe(2);
        (await BodyAsync("a")).ShouldBe("2");
        (await IdByNameAsync("one")).ShouldBeNull();
        (await IdByNameAsync("two")).ShouldBe("a");
    }

    [Fact]
    public async Task A_put_can_take_an_expiry_away_and_a_replace_can_set_one()
    {
        var soon = Clock.GetUtcNow().AddMinutes(1);
        await CommittedAsync(new InsertOperation(Row("a", expiresAt: soon)), new InsertOperation(Row("b")));
        await CommittedAsync(new PutOperation(Row("a")), new ReplaceOperation(Row("b", version: 1, expiresAt: soon)));

        Clock.Advance(TimeSpan.FromMinutes(1));

        (await FindAsync("a")).ShouldNotBeNull();
        (await FindAsync("b")).ShouldBeNull();
    }

    [Fact]
    public async Task A_delete_needs_the_version_that_was_read_and_frees_id_and_keys()
    {
        await CommittedAsync(new InsertOperation(Row("a", keys: [Name("n"), Owner("o")])));
        await RefusedAsync(CommitOutcome.VersionConflict, 0, new DeleteOperation("note", "a", 2));
        await RefusedAsync(CommitOutcome.VersionConflict, 0, new DeleteOperation("note", "none", 1));

        await CommittedAsync(new DeleteOperation("note", "a", 1));

        (await FindAsync("a")).ShouldBeNull();
        (await IdByNameAsync("n")).ShouldBeNull();
        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBeEmpty();
        await RefusedAsync(CommitOutcome.VersionConflict, 0, new DeleteOperation("note", "a", 1));
        await CommittedAsync(new InsertOperation(Row("a")), new InsertOperation(Row("b", keys: Name("n"))));
        (await FindAsync("a")).ShouldNotBeNull().Version.ShouldBe(1);
    }

    [Fact]
    public async Task A_require_lets_the_batch_pass_only_at_the_version_that_was_read()
    {
        await CommittedAsync(new InsertOperation(Row("a")));
        await CommittedAsync(new RequireOperation("note", "a", 1), new InsertOperation(Row("b")));

        await RefusedAsync(CommitOutcome.VersionConflict, 1, new InsertOperation(Row("c")), new RequireOperation("note", "a", 2));
        await RefusedAsync(CommitOutcome.VersionConflict, 1, new InsertOperation(Row("c")), new RequireOperation("note", "none", 1));

        (await FindAsync("a")).ShouldNotBeNull().Version.ShouldBe(1);
        (await FindAsync("c")).ShouldBeNull();
    }

    [Fact]
    public async Task The_probe_passes_and_leaves_no_row_behind()
    {
        await Storage.ProbeAsync(default);
        await Storage.ProbeAsync(default);
        (await Storage.CountAsync(new ListQuery("probe"), default)).ShouldBe(0);
    }

    [Fact]
    public async Task A_cancelled_read_does_not_run()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(async () => await Storage.FindAsync("note", "a", cancelled.Token));
    }
}
