using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

public abstract partial class StorageConformance
{
    [Fact]
    public async Task An_expired_row_is_absent_from_its_instant_on()
    {
        await CommittedAsync(
            new InsertOperation(Row("a", expiresAt: InAMinute(), keys: [Name("n"), Owner("o")])),
            new InsertOperation(Row("b", keys: Owner("o"))));

        Clock.Advance(TimeSpan.FromMinutes(1) - TimeSpan.FromMicroseconds(1));
        (await FindAsync("a")).ShouldNotBeNull();
        (await IdByNameAsync("n")).ShouldBe("a");
        (await Storage.CountAsync(new ListQuery("note") { Index = Owner("o") }, default)).ShouldBe(2);

        Clock.Advance(TimeSpan.FromMicroseconds(1));
        (await FindAsync("a")).ShouldBeNull();
        (await IdByNameAsync("n")).ShouldBeNull();
        (await IdsAsync(new ListQuery("note"))).ShouldBe(["b"]);
        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBe(["b"]);
        (await Storage.CountAsync(new ListQuery("note"), default)).ShouldBe(1);
        (await Storage.CountAsync(new ListQuery("note") { Index = Owner("o") }, default)).ShouldBe(1);
    }

    [Fact]
    public async Task An_expired_row_can_be_neither_replaced_nor_deleted_nor_required()
    {
        await CommittedAsync(new InsertOperation(Row("a", expiresAt: InAMinute())));
        Clock.Advance(TimeSpan.FromMinutes(1));

        await RefusedAsync(CommitOutcome.VersionConflict, 0, new ReplaceOperation(Row("a", version: 1)));
        await RefusedAsync(CommitOutcome.VersionConflict, 0, new DeleteOperation("note", "a", 1));
        await RefusedAsync(CommitOutcome.VersionConflict, 0, new RequireOperation("note", "a", 1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_row_written_over_an_expired_one_replaces_it_with_its_keys(bool put)
    {
        await CommittedAsync(new PutOperation(Row("a", "old", expiresAt: InAMinute(), keys: [Name("old"), Owner("old")])));
        await CommittedAsync(new PutOperation(Row("a", "old", expiresAt: InAMinute(), keys: [Name("old"), Owner("old")])));
        Clock.Advance(TimeSpan.FromMinutes(1));

        var row = Row("a", "new", keys: [Name("new"), Owner("new")]);
        await CommittedAsync(put ? new PutOperation(row) : new InsertOperation(row));

        (await FindAsync("a")).ShouldNotBeNull().Version.ShouldBe(1);
        (await BodyAsync("a")).ShouldBe("new");
        (await IdByNameAsync("old")).ShouldBeNull();
        (await IdByNameAsync("new")).ShouldBe("a");
        (await IdsAsync(new ListQuery("note") { Index = Owner("old") })).ShouldBeEmpty();
        (await IdsAsync(new ListQuery("note") { Index = Owner("new") })).ShouldBe(["a"]);
        (await Storage.PurgeExpiredAsync(10, default)).ShouldBe(0);
        await CommittedAsync(new InsertOperation(Row("b", keys: Name("old"))));
    }

    [Fact]
    public async Task The_unique_key_of_an_expired_row_is_free()
    {
        await CommittedAsync(
            new InsertOperation(Row("dead1", expiresAt: InAMinute(), keys: Name("1"))),
            new InsertOperation(Row("dead2", expiresAt: InAMinute(), keys: Name("2"))),
            new InsertOperation(Row("dead3", expiresAt: InAMinute(), keys: Name("3"))),
            new InsertOperation(Row("replaced")),
            new InsertOperation(Row("put")));
        Clock.Advance(TimeSpan.FromMinutes(1));

        await CommittedAsync(
            new InsertOperation(Row("inserted", keys: Name("1"))),
            new ReplaceOperation(Row("replaced", version: 1, keys: Name("2"))),
            new PutOperation(Row("put", keys: Name("3"))));

        (await IdByNameAsync("1")).ShouldBe("inserted");
        (await IdByNameAsync("2")).ShouldBe("replaced");
        (await IdByNameAsync("3")).ShouldBe("put");
        await Storage.PurgeExpiredAsync(10, default);
        (await IdByNameAsync("1")).ShouldBe("inserted");
        (await IdByNameAsync("2")).ShouldBe("replaced");
        (await IdByNameAsync("3")).ShouldBe("put");
    }

    [Fact]
    public async Task A_purge_removes_expired_rows_with_their_keys_up_to_its_limit()
    {
        await CommittedAsync([
            .. Enumerable.Range(0, 7).Select(i => new InsertOperation(Row($"dead{i}", expiresAt: InAMinute(), keys: [Name($"{i}"), Owner("o")]))),
            new InsertOperation(Row("later", expiresAt: InAMinute().AddSeconds(1), keys: Owner("o"))),
            new InsertOperation(Row("live", keys: Owner("o")))]);
        (await Storage.PurgeExpiredAsync(10, default)).ShouldBe(0);
        Clock.Advance(TimeSpan.FromMinutes(1));

        (await Storage.PurgeExpiredAsync(5, default)).ShouldBe(5);
        (await Storage.PurgeExpiredAsync(5, default)).ShouldBe(2);
        (await Storage.PurgeExpiredAsync(5, default)).ShouldBe(0);

        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBe(["later", "live"]);
        await CommittedAsync([.. Enumerable.Range(0, 7).Select(i => new InsertOperation(Row($"new{i}", keys: Name($"{i}"))))]);
    }

    private DateTimeOffset InAMinute() => Clock.GetUtcNow().AddMinutes(1);
}
