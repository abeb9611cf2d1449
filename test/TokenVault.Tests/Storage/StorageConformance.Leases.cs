using TokenVault.Server.Storage;

namespace TokenVault.Tests.Storage;

public abstract partial class StorageConformance
{
    private static readonly TimeSpan Term = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task A_lease_has_one_owner_at_a_time()
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 32).Select(i =>
            Task.Run(async () => await CommitAsync(new AcquireLeaseOperation("job", $"node{i}", Term)))));

        results.Count(result => result.Committed).ShouldBe(1);
        results.Count(result => result == new CommitResult(CommitOutcome.LeaseConflict, 0)).ShouldBe(31);
        results.Single(result => result.Committed).Fence.ShouldBeGreaterThan(0);
        (await AcquireAsync("other job", "node")).ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task An_owner_that_takes_its_lease_again_gets_a_higher_fence_and_the_older_one_is_out()
    {
        var first = await AcquireAsync("job", "me");
        var second = await AcquireAsync("job", "me");

        second.ShouldBeGreaterThan(first);
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new RequireFenceOperation("job", first));
        await CommittedAsync(new RequireFenceOperation("job", second));
    }

    [Fact]
    public async Task A_zombie_cannot_write_once_somebody_else_took_the_lease()
    {
        var zombie = await AcquireAsync("job", "zombie");
        await AdvanceLeaseClock(Term - TimeSpan.FromMinutes(1));
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new AcquireLeaseOperation("job", "heir", Term));
        await AdvanceLeaseClock(TimeSpan.FromMinutes(2));

        // Over, but nobody took it: the newest fence may still write.
        await CommittedAsync(new RequireFenceOperation("job", zombie), new InsertOperation(Row("a")));

        var heir = await AcquireAsync("job", "heir");
        heir.ShouldBeGreaterThan(zombie);
        await RefusedAsync(CommitOutcome.LeaseConflict, 1, new InsertOperation(Row("b")), new RequireFenceOperation("job", zombie));
        await CommittedAsync(new RequireFenceOperation("job", heir), new InsertOperation(Row("c")));
        (await IdsAsync(new ListQuery("note"))).ShouldBe(["a", "c"]);
    }

    [Fact]
    public async Task A_fence_that_was_never_given_out_is_refused()
    {
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new RequireFenceOperation("job", 0));
        var fence = await AcquireAsync("job", "me");
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new RequireFenceOperation("job", fence + 1));
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new RequireFenceOperation("other job", fence));
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new RenewLeaseOperation("other job", fence, Term));
    }

    [Fact]
    public async Task A_renewed_lease_runs_from_the_renewal()
    {
        var fence = await AcquireAsync("job", "me");
        await AdvanceLeaseClock(Term / 2);
        await CommittedAsync(new RenewLeaseOperation("job", fence, Term));
        await AdvanceLeaseClock(Term * 0.75);
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new AcquireLeaseOperation("job", "heir", Term));
        await AdvanceLeaseClock(Term / 2);
        await AcquireAsync("job", "heir");
    }

    [Fact]
    public async Task A_lease_that_ran_out_can_be_renewed_until_somebody_takes_it()
    {
        var fence = await AcquireAsync("job", "me");
        await AdvanceLeaseClock(Term * 2);
        await CommittedAsync(new RenewLeaseOperation("job", fence, Term));
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new AcquireLeaseOperation("job", "heir", Term));

        await AdvanceLeaseClock(Term * 2);
        await AcquireAsync("job", "heir");
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new RenewLeaseOperation("job", fence, Term));
        await AdvanceLeaseClock(Term * 2);
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new RenewLeaseOperation("job", fence, Term));
    }

    [Fact]
    public async Task A_released_lease_is_free_at_once_and_cannot_be_renewed()
    {
        var fence = await AcquireAsync("job", "me");
        await CommittedAsync(new ReleaseLeaseOperation("job", fence));
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new RenewLeaseOperation("job", fence, Term));
        (await AcquireAsync("job", "heir")).ShouldBeGreaterThan(fence);
    }

    [Fact]
    public async Task Releasing_a_lost_lease_does_not_take_it_from_its_heir()
    {
        var zombie = await AcquireAsync("job", "zombie");
        await AdvanceLeaseClock(Term * 2);
        var heir = await AcquireAsync("job", "heir");

        await CommittedAsync(new ReleaseLeaseOperation("job", zombie));

        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new AcquireLeaseOperation("job", "third", Term));
        await CommittedAsync(new RequireFenceOperation("job", heir));
    }

    [Fact]
    public async Task A_lease_acquired_in_a_batch_that_failed_is_not_held()
    {
        await RefusedAsync(CommitOutcome.VersionConflict, 1, new AcquireLeaseOperation("job", "me", Term), new RequireOperation("note", "none", 1));
        await AcquireAsync("job", "another");
    }

    [Fact]
    public async Task Fences_grow_across_a_restart_and_across_the_purge_of_leases_long_past()
    {
        var first = await AcquireAsync("job", "me");
        await ReopenAsync();
        await AdvanceLeaseClock(TimeSpan.FromDays(30));
        await Storage.PurgeExpiredAsync(10, default);
        (await AcquireAsync("job", "heir")).ShouldBeGreaterThan(first);
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new RequireFenceOperation("job", first));
    }

    [Fact]
    public async Task A_purge_leaves_leases_that_are_held()
    {
        await CommittedAsync(new AcquireLeaseOperation("job", "me", TimeSpan.FromDays(60)));
        await AdvanceLeaseClock(TimeSpan.FromDays(30));
        await Storage.PurgeExpiredAsync(10, default);
        await RefusedAsync(CommitOutcome.LeaseConflict, 0, new AcquireLeaseOperation("job", "heir", Term));
    }

    private async Task<long> AcquireAsync(string name, string owner) => (await CommittedAsync(new AcquireLeaseOperation(name, owner, Term))).Fence;
}
