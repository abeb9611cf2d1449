using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Tests.Storage;

/// <summary>What the writer does when SQLite refuses.</summary>
public sealed class SqliteWriterTests : IAsyncLifetime, IDisposable
{
    private const int Full = 13;
    private const int Constraint = 19;

    private readonly DatabaseDirectory _directory = new();
    private readonly ChangeFeed _changes = new(NullLogger.Instance);
    private readonly SqliteConnection _connection;
    private readonly SqliteWriter _writer;

    public SqliteWriterTests()
    {
        using (SqliteFile.Take(_directory.File))
        {
            _connection = SqliteConnection.OpenWriter(_directory.File);
        }

        SqliteSchema.Migrate(_connection);
        _connection.Execute("PRAGMA max_page_count=200");
        _connection.Execute("PRAGMA foreign_keys=ON");

        // Rows of the kind "broken" make COMMIT itself fail.
        _connection.Execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)");
        _connection.Execute("CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)");
        _connection.Execute("CREATE TRIGGER broken AFTER INSERT ON entity WHEN NEW.kind = 'broken' BEGIN INSERT INTO child VALUES (1); END");
        _writer = new SqliteWriter(_connection, _changes, TimeProvider.System);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _writer.DisposeAsync();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task F_10_A_full_disk_fails_what_does_not_fit_and_nothing_once_there_is_room_again()
    {
        (await InsertAsync("large1", 500_000)).Committed.ShouldBeTrue();
        (await Should.ThrowAsync<SqliteException>(() => InsertAsync("large2", 500_000))).PrimaryCode.ShouldBe(Full);
        (await Should.ThrowAsync<SqliteException>(() => InsertAsync("large2", 500_000))).PrimaryCode.ShouldBe(Full);
        Ids().ShouldBe(["large1"]);

        (await CommitAsync(new DeleteOperation("note", "large1", 1))).Committed.ShouldBeTrue();

        (await InsertAsync("large2", 500_000)).Committed.ShouldBeTrue();
        Ids().ShouldBe(["large2"]);
    }

    [Fact]
    public async Task A_batch_that_breaks_the_transaction_does_not_break_its_neighbours()
    {
        var commits = await InOneGroupAsync(() => [
            InsertAsync("a", 10),
            InsertAsync("b", 10),
            InsertAsync("large", 2_000_000),
            InsertAsync("b", 10),
            InsertAsync("c", 10)]);

        (await Should.ThrowAsync<SqliteException>(commits[2])).PrimaryCode.ShouldBe(Full);
        (await commits[0]).Committed.ShouldBeTrue();
        (await commits[1]).Committed.ShouldBeTrue();
        (await commits[3]).Outcome.ShouldBe(CommitOutcome.Duplicate);
        (await commits[4]).Committed.ShouldBeTrue();
        Ids().ShouldBe(["a", "b", "c", "first"]);
    }

    [Fact]
    public async Task A_batch_that_the_engine_does_not_know_fails_alone()
    {
        var commits = await InOneGroupAsync(() => [
            InsertAsync("a", 10),
            CommitAsync(new InsertOperation(new Entity("note", "half", 0, null, [], [])), new UnknownOperation()),
            InsertAsync("b", 10)]);

        await Should.ThrowAsync<NotSupportedException>(commits[1]);
        (await commits[0]).Committed.ShouldBeTrue();
        (await commits[2]).Committed.ShouldBeTrue();
        Ids().ShouldBe(["a", "b", "first"]);
    }

    [Fact]
    public async Task When_the_group_cannot_be_committed_nobody_is_told_that_it_was()
    {
        var seen = new List<Change>();
        var commits = await InOneGroupAsync(() => [InsertAsync("a", 10), InsertAsync("x", 10, "broken"), InsertAsync("b", 10)], seen.Add);

        foreach (var commit in commits)
        {
            (await Should.ThrowAsync<SqliteException>(commit)).PrimaryCode.ShouldBe(Constraint);
        }

        Ids().ShouldBe(["first"]);
        seen.ShouldBe([new Change("note", "first")]);
        (await InsertAsync("later", 10)).Committed.ShouldBeTrue();
        Ids().ShouldBe(["first", "later"]);
    }

    [Fact]
    public async Task T_ST_11_a_condition_that_was_met_is_not_met_after_whatever_has_changed_the_row()
    {
        var changes = new Dictionary<string, Func<Task>>
        {
            ["replaced"] = () => CommitAsync(new ReplaceOperation(Row("replaced", 1))),
            ["updated"] = () => CommitAsync(new UpdateOperation(Row("updated", 1))),
            ["put"] = () => CommitAsync(new PutOperation(Row("put", 0))),
            ["deleted"] = () => CommitAsync(new DeleteOperation("note", "deleted", 1)),
            ["owned"] = () => CommitAsync(new DeleteIndexedOperation("owner", "o")),
            ["changed by another program"] = () =>
            {
                using var other = SqliteConnection.OpenWriter(_directory.File);
                other.Execute("UPDATE entity SET version = 2 WHERE id = 'changed by another program'");
                return Task.CompletedTask;
            },
        };
        foreach (var (id, change) in changes)
        {
            await CommitAsync(new InsertOperation(Row(id, 0, id == "owned" ? [new EntityKey("owner", "o", Unique: false)] : [])));
            (await RequireAsync(id, 1)).Committed.ShouldBeTrue();
            (await RequireAsync(id, 1)).Committed.ShouldBeTrue();

            await change();

            (await RequireAsync(id, 1)).ShouldBe(new CommitResult(CommitOutcome.VersionConflict, 0), id);
        }
    }

    [Fact]
    public async Task T_ST_11_a_condition_that_was_met_by_what_was_undone_is_not_met()
    {
        await CommitAsync(new InsertOperation(Row("a", 0)));
        var replace = new ReplaceOperation(Row("a", 1));
        var broken = new InsertOperation(new Entity("broken", "x", 0, null, [], []));

        // Undone by itself, by the group's failure, and by SQLite, which starts the others again.
        await CommitAsync(replace, new RequireOperation("note", "a", 2), new RequireOperation("note", "a", 7));
        (await RequireAsync("a", 2)).Outcome.ShouldBe(CommitOutcome.VersionConflict);
        await InOneGroupAsync(() => [CommitAsync(replace), RequireAsync("a", 2), CommitAsync(broken)]);
        (await RequireAsync("a", 2)).Outcome.ShouldBe(CommitOutcome.VersionConflict);
        await InOneGroupAsync("second", () => [CommitAsync(replace, new RequireOperation("note", "a", 2)), InsertAsync("large", 2_000_000)]);
        (await RequireAsync("a", 1)).Outcome.ShouldBe(CommitOutcome.VersionConflict);
        (await RequireAsync("a", 2)).Committed.ShouldBeTrue();
    }

    [Fact]
    public async Task What_waits_for_a_commit_does_not_run_on_the_writers_thread()
    {
        string? observer = null;
        _changes.Add(_ => observer = Thread.CurrentThread.Name);

        var continuation = InsertAsync("a", 10).ContinueWith(
            _ => Thread.CurrentThread.Name, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

        var name = await continuation;
        observer.ShouldNotBeNull();
        name.ShouldNotBe(observer);
    }

    private Task<Task<CommitResult>[]> InOneGroupAsync(Func<Task<CommitResult>[]> enqueue, Action<Change>? observer = null) =>
        InOneGroupAsync("first", enqueue, observer);

    private async Task<Task<CommitResult>[]> InOneGroupAsync(string before, Func<Task<CommitResult>[]> enqueue, Action<Change>? observer = null)
    {
        // While the observer of an earlier commit holds the writer up, the others gather.
        using var reached = new ManualResetEventSlim();
        using var released = new ManualResetEventSlim();
        using (_changes.Add(change => observer?.Invoke(change)))
        using (_changes.Add(_ => { reached.Set(); released.Wait(); }))
        {
            var first = InsertAsync(before, 10);
            reached.Wait();
            var commits = enqueue();
            released.Set();
            await first;
            await Task.WhenAll(commits.Select(commit => commit.ContinueWith(_ => { }, TaskScheduler.Default)));
            return commits;
        }
    }

    private Task<CommitResult> InsertAsync(string id, int size, string kind = "note") =>
        CommitAsync(new InsertOperation(new Entity(kind, id, 0, null, Encoding.UTF8.GetBytes(new string('x', size)), [])));

    private static Entity Row(string id, long version, IReadOnlyList<EntityKey>? keys = null) => new("note", id, version, null, [], keys ?? []);

    private Task<CommitResult> RequireAsync(string id, long version) => CommitAsync(
        new RequireOperation("note", id, version), new AppendOperation(new AuditRow("row", DateTimeOffset.UnixEpoch, [])));

    private Task<CommitResult> CommitAsync(params Operation[] operations) =>
        _writer.EnqueueAsync(new SqliteCommit(operations.Aggregate(new Batch(), (batch, operation) => batch.Add(operation))));

    private string[] Ids()
    {
        using var reader = new SqliteReader(SqliteConnection.OpenReader(_directory.File));
        return [.. reader.List(new ListQuery("note"), now: 0).Select(entity => entity.Id)];
    }

    private sealed record UnknownOperation : Operation;
}
