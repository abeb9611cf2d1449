using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

/// <summary>Audit rows that may be written only while another row is as it was read: what every exchange commits.</summary>
public abstract partial class StorageConformance
{
    [Fact]
    public async Task T_PW_07_Of_many_appends_at_once_each_depends_on_its_own_requirement_alone()
    {
        for (var i = 0; i < 40; i++)
        {
            await CommittedAsync(new InsertOperation(Row($"r{i}")));
        }

        var appends = Enumerable.Range(0, 400).Select(i => (Id: $"a{i:000}", Version: i % 3 == 0 ? 2 : 1, Free: i % 5 == 0)).ToList();
        var results = await Task.WhenAll(appends.Select(append => Task.Run(async () => await (append.Free
            ? CommitAsync(new AppendOperation(Audit(append.Id)))
            : CommitAsync(new RequireOperation("note", $"r{append.Id.GetHashCode(StringComparison.Ordinal) & 31}", append.Version), new AppendOperation(Audit(append.Id)))))));

        for (var i = 0; i < appends.Count; i++)
        {
            results[i].ShouldBe(
                appends[i].Free || appends[i].Version == 1 ? new CommitResult(CommitOutcome.Committed) : new CommitResult(CommitOutcome.VersionConflict, 0));
        }

        var kept = appends.Where(append => append.Free || append.Version == 1).Select(append => append.Id);
        (await AuditIdsAsync()).Order(StringComparer.Ordinal).ShouldBe(kept.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task T_PW_07_An_append_is_not_committed_after_the_row_it_requires_has_changed()
    {
        await CommittedAsync(new InsertOperation(Row("r", "1")));
        var version = 1L;
        var stale = new List<string>();
        for (var round = 1; round <= 20; round++)
        {
            var appends = Enumerable.Range(0, 8).Select(i => AppendAsync($"{round:00}-{i}", version)).ToList();
            (await CommitAsync(new ReplaceOperation(Row("r", $"{round + 1}", version)))).Committed.ShouldBeTrue();
            version++;

            // Whoever begins now has not seen the change, and must be told.
            stale.Add($"late-{round}");
            (await AppendAsync($"late-{round}", version - 1)).ShouldBe(new CommitResult(CommitOutcome.VersionConflict, 0));
            foreach (var append in await Task.WhenAll(appends))
            {
                append.Outcome.ShouldBeOneOf(CommitOutcome.Committed, CommitOutcome.VersionConflict);
            }
        }

        (await AuditIdsAsync()).ShouldNotContain(id => stale.Contains(id));

        Task<CommitResult> AppendAsync(string id, long seen) =>
            Task.Run(async () => await CommitAsync(new RequireOperation("note", "r", seen), new AppendOperation(Audit(id))));
    }

    [Fact]
    public async Task T_PW_03_Of_many_appends_at_once_that_use_up_the_same_name_one_is_committed()
    {
        await CommittedAsync(new InsertOperation(Row("r")), new InsertOperation(Row("s")));
        var attempts = Enumerable.Range(0, 200).Select(i => (Name: $"name-{i % 40}", Id: $"a{i:000}", Stale: i % 7 == 0)).ToList();
        var results = await Task.WhenAll(attempts.Select(attempt => Task.Run(async () => await CommitAsync(
            new RequireOperation("note", "r", 1),
            new RequireOperation("note", "s", attempt.Stale ? 2 : 1),
            new InsertOperation(Row(attempt.Name)),
            new AppendOperation(Audit(attempt.Id))))));

        var kept = attempts.Where((_, i) => results[i].Committed).ToList();
        kept.ShouldAllBe(attempt => !attempt.Stale);
        kept.Select(attempt => attempt.Name).Order(StringComparer.Ordinal).ShouldBe(
            attempts.Where(attempt => !attempt.Stale).Select(attempt => attempt.Name).Distinct().Order(StringComparer.Ordinal));
        (await AuditIdsAsync()).Order(StringComparer.Ordinal).ShouldBe(kept.Select(attempt => attempt.Id).Order(StringComparer.Ordinal));
        for (var i = 0; i < attempts.Count; i++)
        {
            results[i].Outcome.ShouldBe(
                results[i].Committed ? CommitOutcome.Committed : attempts[i].Stale ? CommitOutcome.VersionConflict : CommitOutcome.Duplicate);
        }
    }

    [Fact]
    public async Task What_a_batch_requires_of_the_row_that_it_updates_is_judged_in_their_order()
    {
        await CommittedAsync(new InsertOperation(Row("r")));
        var update = new UpdateOperation(Row("r", "2", version: 1));
        (await CommitAsync(update, new RequireOperation("note", "r", 1))).ShouldBe(new CommitResult(CommitOutcome.VersionConflict, FailedOperation: 1));
        (Body(await FindAsync("r")), (await FindAsync("r"))!.Version).ShouldBe(("{}", 1));
        await CommittedAsync(new RequireOperation("note", "r", 1), update, new RequireOperation("note", "r", 2), new AppendOperation(Audit("a")));
        (Body(await FindAsync("r")), (await FindAsync("r"))!.Version).ShouldBe(("2", 2));
    }

    [Fact]
    public async Task Of_many_that_update_one_row_at_once_one_is_done_and_nobody_fails_for_anothers()
    {
        var soon = Clock.GetUtcNow().AddHours(1);
        await CommittedAsync([.. Enumerable.Range(0, 20).Select(i => new InsertOperation(Row($"r{i}", keys: [Name($"n{i}"), Owner("o")])))]);
        await CommittedAsync(new InsertOperation(Row("gone", expiresAt: soon.AddHours(-0.5))));
        Clock.Advance(TimeSpan.FromMinutes(31));
        var attempts = Enumerable.Range(0, 200).Select(i => (Row: $"r{i % 20}", Id: $"a{i:000}", Audited: i % 3 > 0)).ToList();
        var results = await Task.WhenAll(attempts.Select(attempt => Task.Run(async () => await CommitAsync(
        [
            .. attempt.Audited ? (Operation[])[new RequireOperation("note", "r0", 1), new AppendOperation(Audit(attempt.Id))] : [],
            new UpdateOperation(Row(attempt.Row, attempt.Id, version: 1, expiresAt: soon)),
        ]))));

        (await CommitAsync(new UpdateOperation(Row("gone", "back", version: 1)))).Outcome.ShouldBe(CommitOutcome.VersionConflict);
        var done = attempts.Where((_, i) => results[i].Committed).ToList();
        results.ShouldAllBe(result => result.Committed || result.Outcome == CommitOutcome.VersionConflict);
        done.Select(attempt => attempt.Row).ShouldBeUnique();
        done.Count.ShouldBeGreaterThan(0);
        (await AuditIdsAsync()).Order(StringComparer.Ordinal).ShouldBe(done.Where(attempt => attempt.Audited).Select(attempt => attempt.Id).Order(StringComparer.Ordinal));
        foreach (var attempt in done)
        {
            var row = (await FindAsync(attempt.Row)).ShouldNotBeNull();
            (Body(row), row.Version, row.ExpiresAt).ShouldBe((attempt.Id, 2, soon));
            (await IdByNameAsync("n" + attempt.Row[1..])).ShouldBe(attempt.Row);
        }

        (await IdsAsync(new ListQuery("note") { Index = Owner("o") })).Length.ShouldBe(20);
    }

    [Fact]
    public async Task The_rows_of_a_batch_stay_in_order_however_many_are_written_at_once()
    {
        await CommittedAsync(new InsertOperation(Row("r")));
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Task.Run(async () => (await CommitAsync(
            new RequireOperation("note", "r", 1),
            new AppendOperation(Audit($"{i:00}a")),
            new AppendOperation(Audit($"{i:00}b")))).Committed.ShouldBeTrue())));

        // Those of another batch may stand between them: two transactions that are under way at once draw their numbers in turns.
        var ids = (await AuditIdsAsync()).ToList();
        ids.Count.ShouldBe(120);
        Enumerable.Range(0, 60).ShouldAllBe(i => ids.IndexOf($"{i:00}a") < ids.IndexOf($"{i:00}b") && ids.Contains($"{i:00}a"));
    }
}
