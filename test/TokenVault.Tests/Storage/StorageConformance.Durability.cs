using System.Globalization;
using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

public abstract partial class StorageConformance
{
    [Fact]
    public async Task What_was_committed_is_there_after_a_restart()
    {
        await CommittedAsync(new InsertOperation(Row("a", "body", keys: [Name("n"), Owner("o")])), new AppendOperation(Audit("1")));
        var fence = await AcquireAsync("job", "me");

        await ReopenAsync();

        await IsThereAsync(Storage, fence);
    }

    [Fact]
    public async Task F_27_What_was_committed_is_there_after_a_crash()
    {
        await CommittedAsync(new InsertOperation(Row("a", "body", keys: [Name("n"), Owner("o")])), new AppendOperation(Audit("1")));
        var fence = await AcquireAsync("job", "me");

        await using var restarted = await OpenAfterCrashAsync();

        await IsThereAsync(restarted, fence);
        (await restarted.CommitAsync(BatchOf(new ReplaceOperation(Row("a", "next", version: 1))))).Committed.ShouldBeTrue();
    }

    [Fact]
    public async Task Commits_that_were_under_way_at_a_clean_close_are_finished()
    {
        var commits = Enumerable.Range(0, 200).Select(i => CommitAsync(new InsertOperation(Row($"{i:D3}"))).AsTask()).ToArray();
        await ReopenAsync();

        (await Task.WhenAll(commits)).ShouldAllBe(result => result.Committed);
        (await Storage.CountAsync(new ListQuery("note"), default)).ShouldBe(200);
    }

    [Fact]
    public async Task A_closed_storage_refuses_with_an_exception()
    {
        var closed = Storage;
        await ReopenAsync();

        await Should.ThrowAsync<ObjectDisposedException>(async () => await closed.CommitAsync(new Batch()));
        await Should.ThrowAsync<ObjectDisposedException>(async () => await closed.FindAsync("note", "a", default));
        await closed.DisposeAsync();
    }

    /// <summary>
    /// Money moves between accounts, each transfer one batch with its audit row; readers see the same total at every moment, and each
    /// writer reads its own writes.
    /// </summary>
    [Fact]
    public async Task Eight_writers_and_eight_readers_keep_every_invariant()
    {
        const int accounts = 16;
        const int transfers = 50;
        await CommittedAsync([.. Enumerable.Range(0, accounts).Select(i => new InsertOperation(Row($"{i:D2}", "100", kind: "account")))]);
        using var done = new CancellationTokenSource();

        var readers = Enumerable.Range(0, 8).Select(_ => Task.Run(() => WatchTotalAsync(accounts * 100, done.Token))).ToArray();
        var tries = await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => Task.Run(() => TransferAsync(new Random(seed), accounts, transfers))));
        await done.CancelAsync();

        (await Task.WhenAll(readers)).Sum().ShouldBeGreaterThan(0);
        (await AuditIdsAsync(take: 10_000)).Length.ShouldBe(8 * transfers);
        var final = await Storage.ListAsync(new ListQuery("account"), default);
        final.Sum(Balance).ShouldBe(accounts * 100);

        // Each transfer replaces two rows once, and a loser replaces none.
        final.Sum(entity => entity.Version - 1).ShouldBe(2L * 8 * transfers);
        tries.Sum().ShouldBeGreaterThanOrEqualTo(8 * transfers);
    }

    [Fact]
    public async Task T_RC_08_F_09_Writes_beside_a_row_do_not_collide_with_its_compare_and_swap()
    {
        await CommittedAsync(new InsertOperation(Row("a", kind: "tokenset", keys: [Name("n"), Owner("o")])));
        using var done = new CancellationTokenSource();
        var beside = Task.Run(async () =>
        {
            var puts = 0;
            do
            {
                await CommittedAsync(new PutOperation(Row("a", $"{puts++}", kind: "usage", keys: [Name("n"), Owner("o")])));
            }
            while (!done.IsCancellationRequested);

            return puts;
        });

        for (var version = 1; version <= 200; version++)
        {
            await CommittedAsync(new ReplaceOperation(Row("a", version: version, kind: "tokenset", keys: [Name("n"), Owner("o")])));
        }

        await done.CancelAsync();
        var puts = await beside;
        (await FindAsync("a", "usage")).ShouldNotBeNull().Version.ShouldBe(puts);
    }

    private static int Balance(Entity entity) => int.Parse(Body(entity)!, CultureInfo.InvariantCulture);

    private static async Task IsThereAsync(IStorage storage, long fence)
    {
        Body(await storage.FindAsync("note", "a", default)).ShouldBe("body");
        (await storage.FindByKeyAsync("note", "name", "n", default)).ShouldNotBeNull().Id.ShouldBe("a");
        (await storage.CountAsync(new ListQuery("note") { Index = Owner("o") }, default)).ShouldBe(1);
        (await storage.ReadAuditAsync(0, 10, default)).ShouldHaveSingleItem().Id.ShouldBe("1");
        (await storage.CommitAsync(BatchOf(new RequireFenceOperation("job", fence)))).Committed.ShouldBeTrue();
        (await storage.CommitAsync(BatchOf(new AcquireLeaseOperation("job", "heir", Term)))).Outcome.ShouldBe(CommitOutcome.LeaseConflict);
    }

    private async Task<int> WatchTotalAsync(int total, CancellationToken done)
    {
        var reads = 0;
        do
        {
            (await Storage.ListAsync(new ListQuery("account"), default)).Sum(Balance).ShouldBe(total);
            reads++;
            await Task.Yield();
        }
        while (!done.IsCancellationRequested);

        return reads;
    }

    private async Task<int> TransferAsync(Random random, int accounts, int transfers)
    {
        var tries = 0;
        for (var made = 0; made < transfers; tries++)
        {
            var from = (await FindAsync($"{random.Next(accounts):D2}", "account")).ShouldNotBeNull();
            var to = (await FindAsync($"{random.Next(accounts):D2}", "account")).ShouldNotBeNull();
            if (from.Id == to.Id)
            {
                continue;
            }

            var amount = random.Next(1, 10);
            var result = await CommitAsync(
                new ReplaceOperation(Row(from.Id, $"{Balance(from) - amount}", from.Version, kind: "account")),
                new ReplaceOperation(Row(to.Id, $"{Balance(to) + amount}", to.Version, kind: "account")),
                new AppendOperation(Audit("transfer")));
            if (!result.Committed)
            {
                result.Outcome.ShouldBe(CommitOutcome.VersionConflict);
                continue;
            }

            (await FindAsync(from.Id, "account")).ShouldNotBeNull().Version.ShouldBeGreaterThan(from.Version);
            made++;
        }

        return tries;
    }
}
