using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Testing;

namespace TokenVault.Tests.Storage;

/// <summary>What has to reach others, by one node at a time.</summary>
public sealed class OutboxLoopTests
{
    [Fact]
    public async Task What_another_node_did_before_it_gave_the_lease_back_is_not_done_again()
    {
        using var directory = new DatabaseDirectory();
        await using var storage = SqliteStorage.Open(directory.File, TimeProvider.System);
        await storage.CommitAsync(new Batch().Put(new Note { Id = "done by the other", Owner = "due" }).Put(new Note { Id = "left", Owner = "due" }));
        var late = new LateStorage(storage);
        var loop = new OutboxLoop<Note>(
            late, "notes", EntityKey.Index(EntityKey.Owner, "due"), _ => DateTimeOffset.MinValue, TimeProvider.System, NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        var attempted = new List<string>();

        var run = loop.RunAsync(
            (note, _) =>
            {
                attempted.Add(note.Id);
                return Task.CompletedTask;
            },
            stop.Token);
        await late.LeaseIsGivenBack.WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        await run;

        attempted.ShouldBe(["left"]);
    }

    /// <summary>Another node does one of the rows between this one's look and its lease.</summary>
    private sealed class LateStorage(IStorage inner) : StorageDecorator(inner)
    {
        private readonly TaskCompletionSource _givenBack = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task LeaseIsGivenBack => _givenBack.Task;

        public override async ValueTask<CommitResult> CommitAsync(Batch batch)
        {
            if (batch.Operations[0] is AcquireLeaseOperation)
            {
                (await Inner.CommitAsync(new Batch().Add(new DeleteOperation(Note.Kind, "done by the other", 1)))).Committed.ShouldBeTrue();
            }

            var result = await Inner.CommitAsync(batch);
            if (batch.Operations[0] is ReleaseLeaseOperation)
            {
                _givenBack.SetResult();
            }

            return result;
        }
    }
}
