using System.Globalization;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;
using TokenVault.Testing;

namespace TokenVault.Tests.Storage;

/// <summary>A user's rows of the log are found whatever part of it they are in.</summary>
public sealed class SqliteLogIndexTests : IDisposable
{
    private readonly DatabaseDirectory _directory = new();
    private readonly VaultClock _clock = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_users_rows_are_found_in_full_parts_and_behind_them_also_after_a_restart()
    {
        await using (var storage = Open())
        {
            await AppendAsync(storage, 0, 3_000);
            await IsCompleteAsync(storage, 3_000);
        }

        await using (var storage = Open())
        {
            await AppendAsync(storage, 3_000, 2_200);
            await IsCompleteAsync(storage, 5_200);
            (await storage.ReadAuditAsync(0, 10, default)).Count.ShouldBe(10);
        }
    }

    [Fact]
    public async Task What_a_batch_undid_is_not_found()
    {
        await using var storage = Open();
        await AppendAsync(storage, 0, 1_020);
        (await storage.CommitAsync(new Batch().Insert(new Note { Id = "a" }))).Committed.ShouldBeTrue();
        var undone = new Batch();
        for (var i = 0; i < 10; i++)
        {
            undone.Append(Row(5_000 + i));
        }

        (await storage.CommitAsync(undone.Insert(new Note { Id = "a" }))).Committed.ShouldBeFalse();
        await AppendAsync(storage, 1_020, 20);
        await IsCompleteAsync(storage, 1_040);
    }

    [Fact]
    public async Task Rows_whose_time_is_over_are_gone_for_their_user_too()
    {
        await using var storage = Open();
        await AppendAsync(storage, 0, 2_500);
        var middle = (await storage.ReadAuditAsync(0, 1_500, default))[^1].Sequence;
        (await storage.CommitAsync(new Batch().DropAudit(middle))).Committed.ShouldBeTrue();

        (await storage.ListAuditAsync(new AuditQuery { UserId = User(0), Take = 10_000 }, default)).ShouldAllBe(row => row.Sequence > middle);
        var left = await storage.ListAuditAsync(new AuditQuery { Take = 10_000 }, default);
        (await storage.ListAuditAsync(new AuditQuery { UserId = User(0), Take = 10_000 }, default)).Select(row => row.Id)
            .ShouldBe(left.Where(row => row.UserId == User(0)).Select(row => row.Id));

        // The part in the middle of which the log begins now still has the others in it.
        var mine = left.Where(row => row.UserId == User(0)).Select(row => row.Id).ToList();
        (await storage.CountAuditAsync(new AuditQuery { UserId = User(0) }, default)).ShouldBe(mine.Count);
        (await storage.ListAuditAsync(new AuditQuery { UserId = User(0), Take = 10 }, default)).Select(row => row.Id).ShouldBe(mine.Take(10));
        (await storage.ListAuditAsync(new AuditQuery { UserId = User(0), Descending = true, Offset = mine.Count, Take = 10 }, default)).ShouldBeEmpty();
    }

    private static async Task IsCompleteAsync(SqliteStorage storage, int rows)
    {
        foreach (var user in new[] { 0, 3, 6 })
        {
            var expected = Enumerable.Range(0, rows).Where(i => i % 7 == user).Select(i => Row(i).Id).ToList();
            var query = new AuditQuery { UserId = User(user), Take = 10_000 };
            (await storage.ListAuditAsync(query, default)).Select(row => row.Id).ShouldBe(expected);
            (await storage.ListAuditAsync(query with { Descending = true, Offset = 5, Take = 20 }, default)).Select(row => row.Id)
                .ShouldBe(Enumerable.Reverse(expected).Skip(5).Take(20));
            var (above, below) = (expected[10], expected[^10]);
            var between = query with { Above = above, Below = below };
            (await storage.ListAuditAsync(between, default)).Count.ShouldBe(expected.Count - 21);
            (await storage.CountAuditAsync(between, default)).ShouldBe(expected.Count - 21);
        }

        (await storage.CountAuditAsync(new AuditQuery { UserId = "nobody" }, default)).ShouldBe(0);
    }

    private SqliteStorage Open() => SqliteStorage.Open(_directory.File, _clock);

    private static string User(int number) => $"auth0|{number}";

    private static AuditRow Row(int i) => new(i.ToString("D8", CultureInfo.InvariantCulture), DateTimeOffset.UnixEpoch.AddSeconds(i), [1, 2, 3]) { UserId = User(i % 7) };

    private static async Task AppendAsync(SqliteStorage storage, int first, int count)
    {
        for (var i = first; i < first + count; i += 100)
        {
            var batch = new Batch();
            for (var j = i; j < Math.Min(i + 100, first + count); j++)
            {
                batch.Append(Row(j));
            }

            (await storage.CommitAsync(batch)).Committed.ShouldBeTrue();
        }
    }
}
