using System.Text;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Tests.Storage;

/// <summary>
/// A write load whose batches can be recognised: each puts one name into two kinds and the audit. Also a process of its own, to be killed.
/// </summary>
internal static class CrashWriter
{
    /// <summary>The first argument that makes the test assembly this process; then the database file and the name of the run.</summary>
    public const string Verb = "storage-crash-writer";

    public static async Task<int> RunAsync(string file, string run)
    {
        await using var storage = SqliteStorage.Open(file, TimeProvider.System);
        var output = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
        await WriteAsync(storage, workers: 8, batches: 1_000_000, run, output.WriteLine);
        return 0;
    }

    public static Task WriteAsync(IStorage storage, int workers, int batches, string run, Action<string> acknowledge) =>
        Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < batches; i++)
            {
                var name = $"{run}-{worker}-{i}.";
                var result = await storage.CommitAsync(new Batch()
                    .Add(new InsertOperation(Row("left", name, [EntityKey.UniqueKey("name", name), EntityKey.Index("worker", $"{worker}")])))
                    .Append(new AuditRow(name, DateTimeOffset.UnixEpoch, []))
                    .Add(new InsertOperation(Row("right", name, []))));
                result.Committed.ShouldBeTrue();
                acknowledge(name);
            }
        })));

    private static Entity Row(string kind, string name, EntityKey[] keys) => new(kind, name, 0, null, Encoding.UTF8.GetBytes(name), keys);
}
