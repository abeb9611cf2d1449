using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

public abstract partial class StorageConformance
{
    [Fact]
    public async Task A_row_is_found_by_each_of_its_unique_keys()
    {
        await CommittedAsync(new InsertOperation(Row("a", "body", keys: [Name("n"), EntityKey.UniqueKey("email", "n"), Owner("o")])));

        var found = (await Storage.FindByKeyAsync("note", "email", "n", default)).ShouldNotBeNull();

        found.Id.ShouldBe("a");
        found.Version.ShouldBe(1);
        Body(found).ShouldBe("body");
        (await IdByNameAsync("n")).ShouldBe("a");
        (await IdByNameAsync("N")).ShouldBeNull();
        (await Storage.FindByKeyAsync("note", "owner", "o", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_unique_key_of_another_live_row_is_a_duplicate_and_changes_nothing()
    {
        await CommittedAsync(new InsertOperation(Row("a", keys: Name("n"))), new InsertOperation(Row("b", "old", keys: Name("m"))));

        await RefusedAsync(CommitOutcome.Duplicate, 0, new InsertOperation(Row("c", keys: [Name("free"), Name("n")])));
        await RefusedAsync(CommitOutcome.Duplicate, 0, new PutOperation(Row("c", keys: [Name("free"), Name("n")])));
        await RefusedAsync(CommitOutcome.Duplicate, 0, new PutOperation(Row("b", "new", keys: [Name("free"), Name("n")])));
        await RefusedAsync(CommitOutcome.Duplicate, 0, new ReplaceOperation(Row("b", "new", version: 1, keys: [Name("free"), Name("n")])));

        (await FindAsync("c")).ShouldBeNull();
        (await BodyAsync("b")).ShouldBe("old");
        (await FindAsync("b")).ShouldNotBeNull().Version.ShouldBe(1);
        (await IdByNameAsync("n")).ShouldBe("a");
        (await IdByNameAsync("m")).ShouldBe("b");
        (await IdByNameAsync("free")).ShouldBeNull();
    }

    [Fact]
    public async Task Of_64_parallel_inserts_of_one_unique_key_one_wins()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 64).Select(i =>
            Task.Run(async () => await CommitAsync(new InsertOperation(Row($"{i}", keys: Name("n")))))));

        results.Count(result => result.Committed).ShouldBe(1);
        results.Count(result => result.Outcome == CommitOutcome.Duplicate).ShouldBe(63);
        (await IdByNameAsync("n")).ShouldBe($"{Array.FindIndex(results, result => result.Committed)}");
        (await Storage.CountAsync(new ListQuery("note"), default)).ShouldBe(1);
    }

    [Fact]
    public async Task A_replace_with_other_keys_frees_the_old_ones()
    {
        await CommittedAsync(new InsertOperation(Row("a", keys: [Name("old"), Name("kept"), Owner("old"), Owner("kept")])));

        await CommittedAsync(new ReplaceOperation(Row("a", version: 1, keys: [Name("kept"), Name("new"), Owner("kept"), Owner("new")])));

        (await IdByNameAsync("old")).ShouldBeNull();
        (await IdByNameAsync("kept")).ShouldBe("a");
        (await IdByNameAsync("new")).ShouldBe("a");
        (await IdsAsync(new ListQuery("note") { Index = Owner("old") })).ShouldBeEmpty();
        (await IdsAsync(new ListQuery("note") { Index = Owner("kept") })).ShouldBe(["a"]);
        (await IdsAsync(new ListQuery("note") { Index = Owner("new") })).ShouldBe(["a"]);
        await CommittedAsync(new InsertOperation(Row("b", keys: Name("old"))));
        await RefusedAsync(CommitOutcome.Duplicate, 0, new InsertOperation(Row("c", keys: Name("new"))));
    }

    [Fact]
    public async Task A_replace_with_the_same_keys_keeps_them()
    {
        await CommittedAsync(new InsertOperation(Row("a", keys: [Name("n"), Owner("o")])));
        await CommittedAsync(new ReplaceOperation(Row("a", "2", version: 1, keys: [Owner("o"), Name("n")])));

        (await IdByNameAsync("n")).ShouldBe("a");
        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBe(["a"]);
        await CommittedAsync(new ReplaceOperation(Row("a", "3", version: 2)));
        (await IdByNameAsync("n")).ShouldBeNull();
        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_key_that_a_row_names_twice_counts_once()
    {
        await CommittedAsync(new InsertOperation(Row("a", keys: [Name("n"), Name("n"), Owner("o"), Owner("o")])));
        (await IdByNameAsync("n")).ShouldBe("a");
        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_unique_key_and_an_index_key_of_one_name_do_not_meet()
    {
        await CommittedAsync(
            new InsertOperation(Row("a", keys: EntityKey.UniqueKey("k", "v"))),
            new InsertOperation(Row("b", keys: EntityKey.Index("k", "v"))));

        (await Storage.FindByKeyAsync("note", "k", "v", default)).ShouldNotBeNull().Id.ShouldBe("a");
        (await IdsAsync(new ListQuery("note") { Index = EntityKey.Index("k", "v") })).ShouldBe(["b"]);
        await CommittedAsync(new DeleteIndexedOperation("k", "v"));
        (await IdsAsync(new ListQuery("note"))).ShouldBe(["a"]);
    }

    [Fact]
    public async Task DeleteIndexed_removes_the_rows_of_every_kind_with_all_their_keys()
    {
        await CommittedAsync(
            new InsertOperation(Row("a", keys: [Owner("o"), Name("n")])),
            new InsertOperation(Row("a", kind: "memo", keys: [Owner("o"), Owner("p")])),
            new InsertOperation(Row("b", keys: Owner("p"))),
            new InsertOperation(Row("c", keys: EntityKey.Index("other", "o"))));

        await CommittedAsync(new DeleteIndexedOperation("owner", "o"), new DeleteIndexedOperation("owner", "nobody"));

        (await FindAsync("a")).ShouldBeNull();
        (await FindAsync("a", "memo")).ShouldBeNull();
        (await IdsAsync(new ListQuery("note"))).ShouldBe(["b", "c"]);
        (await IdByNameAsync("n")).ShouldBeNull();
        (await IdsAsync(new ListQuery("memo") { Index = Owner("p") })).ShouldBeEmpty();
        (await IdsAsync(new ListQuery("note") { Index = Owner("p") })).ShouldBe(["b"]);
    }

    [Fact]
    public async Task Lists_are_in_the_byte_order_of_the_ids()
    {
        // U+FFFD sorts before the emoji as UTF-8, and after it as UTF-16.
        string[] ordered = ["A", "B", "a", "a b", "aa", "b", "z", "é", "\uFFFD", "😀"];
        foreach (var id in ordered.Reverse())
        {
            await CommittedAsync(new InsertOperation(Row(id, keys: Owner("o"))));
        }

        (await IdsAsync(new ListQuery("note"))).ShouldBe(ordered);
        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBe(ordered);
        (await IdsAsync(new ListQuery("note") { After = "\uFFFD" })).ShouldBe(["😀"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Lists_are_paged_by_offset_and_by_last_id(bool indexed)
    {
        var all = Enumerable.Range(0, 25).Select(i => $"{i:D2}").ToArray();
        await CommittedAsync([
            .. all.Select(id => new InsertOperation(Row(id, keys: Owner("o")))),
            new InsertOperation(Row("00x", keys: Owner("p"), kind: "memo")),
            new InsertOperation(Row("00y", keys: Owner("o"), kind: "memo"))]);
        var query = new ListQuery("note") { Index = indexed ? Owner("o") : null, Take = 10 };

        (await IdsAsync(query)).ShouldBe(all[..10]);
        (await IdsAsync(query with { Offset = 20 })).ShouldBe(all[20..]);
        (await IdsAsync(query with { Offset = 25 })).ShouldBeEmpty();
        (await IdsAsync(query with { After = "09" })).ShouldBe(all[10..20]);
        (await IdsAsync(query with { After = "09x", Offset = 2, Take = 3 })).ShouldBe(all[12..15]);
        (await IdsAsync(query with { After = "24" })).ShouldBeEmpty();
        (await IdsAsync(query with { Take = 0 })).ShouldBeEmpty();
        (await Storage.CountAsync(query with { After = "09", Offset = 3, Take = 1 }, default)).ShouldBe(25);
    }

    [Fact]
    public async Task An_index_selects_by_its_whole_value_and_within_the_kind()
    {
        await CommittedAsync(
            new InsertOperation(Row("a", keys: [Owner("o"), EntityKey.Index("client", "o")])),
            new InsertOperation(Row("b", keys: Owner("oo"))),
            new InsertOperation(Row("c", kind: "memo", keys: Owner("o"))));

        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBe(["a"]);
        (await IdsAsync(new ListQuery("note") { Index = Owner("") })).ShouldBeEmpty();
        (await Storage.CountAsync(new ListQuery("note") { Index = Owner("o") }, default)).ShouldBe(1);
        (await Storage.CountAsync(new ListQuery("note"), default)).ShouldBe(2);
        (await Storage.CountAsync(new ListQuery("none"), default)).ShouldBe(0);
    }
}
