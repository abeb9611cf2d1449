using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

public abstract partial class StorageConformance
{
    [Fact]
    public async Task A_rewrite_changes_the_body_and_nothing_else_and_observers_are_not_told()
    {
        var end = Clock.GetUtcNow().AddHours(1);
        await CommittedAsync(new InsertOperation(Row("a", "old", expiresAt: end, keys: [Name("n"), Owner("o")])));
        using var changes = new Changes(Storage);

        await CommittedAsync(new RewriteOperation(Row("a", "new", version: 1)), new PutOperation(Row("b")));

        var row = (await FindAsync("a")).ShouldNotBeNull();
        (Body(row), row.Version, row.ExpiresAt).ShouldBe(("new", 1, end));
        (await IdByNameAsync("n")).ShouldBe("a");
        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).ShouldBe(["a"]);
        changes.Take().ShouldNotContain(change => change.Id == "a");
    }

    [Fact]
    public async Task A_rewrite_of_a_row_that_has_moved_on_expired_or_gone_does_nothing_and_stands_in_nobodys_way()
    {
        await CommittedAsync(
            new InsertOperation(Row("moved", "1")),
            new ReplaceOperation(Row("moved", "2", version: 1)),
            new InsertOperation(Row("expired", "1", expiresAt: Clock.GetUtcNow())));

        await CommittedAsync(
            new RewriteOperation(Row("moved", "late", version: 1)),
            new RewriteOperation(Row("expired", "late", version: 1)),
            new RewriteOperation(Row("never", "late", version: 1)),
            new AppendOperation(Audit("beside")));

        (await IdsAsync(new ListQuery("note"))).ShouldBe(["moved"]);
        (await BodyAsync("moved")).ShouldBe("2");
        (await AuditIdsAsync()).ShouldBe(["beside"]);
    }

    [Fact]
    public async Task A_writer_that_read_a_row_before_its_rewrite_is_not_disturbed()
    {
        await CommittedAsync(new InsertOperation(Row("a", "old")));
        await CommittedAsync(new RewriteOperation(Row("a", "same content", version: 1)));
        await CommittedAsync(new ReplaceOperation(Row("a", "next", version: 1)));
        (await BodyAsync("a")).ShouldBe("next");
    }
}
