using System.Collections.Concurrent;
using System.Diagnostics;
using TokenVault.Server.Storage;
using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Tests.Storage;

/// <summary>F-27: whatever the moment of the crash, what was acknowledged is there, and every batch is there whole or not at all.</summary>
public sealed class SqliteCrashTests : IDisposable
{
    private readonly DatabaseDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task F_27_Copies_taken_in_the_middle_of_transactions_have_all_that_was_acknowledged()
    {
        var acknowledged = new ConcurrentDictionary<string, bool>();
        var copies = new List<(string[] Acknowledged, string File)>();
        var writerAsksForTime = 0;

        // The writer asks for the time once a batch, so that this stops it at a batch's begin, with others of the group applied already.
        var clock = new InterruptingClock(() =>
        {
            if (writerAsksForTime++ % 13 == 0 && copies.Count < 120)
            {
                copies.Add(([.. acknowledged.Keys], _directory.CopyFiles()));
            }
        });
        await using (var storage = SqliteStorage.Open(_directory.File, clock))
        {
            await CrashWriter.WriteAsync(storage, workers: 8, batches: 250, run: "r", name => acknowledged[name] = true);
        }

        copies.Count.ShouldBe(120);
        foreach (var (before, file) in copies)
        {
            await VerifyAsync(file, before);
        }
    }

    [Fact]
    public async Task F_27_A_log_torn_at_any_byte_leaves_whole_batches()
    {
        string file;
        await using (var storage = SqliteStorage.Open(_directory.File, TimeProvider.System))
        {
            await CrashWriter.WriteAsync(storage, workers: 2, batches: 20, run: "r", _ => { });
            file = _directory.CopyFiles();
        }

        var random = new Random(1);
        var length = new FileInfo(file + "-wal").Length;
        length.ShouldBeGreaterThan(10_000);
        var batchesLeft = new HashSet<int>();
        for (var i = 0; i < 40; i++)
        {
            var torn = Path.Combine(Path.GetDirectoryName(file)!, $"torn{i}.db");
            File.Copy(file, torn);
            await using (var log = File.Create(torn + "-wal"))
            {
                log.Write(File.ReadAllBytes(file + "-wal").AsSpan(0, (int)random.NextInt64(length)));
            }

            batchesLeft.Add(await VerifyAsync(torn, []));
        }

        batchesLeft.Count.ShouldBeGreaterThan(10);
    }

    [Fact]
    public async Task F_27_A_killed_process_leaves_all_that_it_acknowledged()
    {
        var acknowledged = new List<string>();
        for (var cycle = 0; cycle < 4; cycle++)
        {
            using var child = StartChild($"run{cycle}");
            var lines = 0;
            while (await child.StandardOutput.ReadLineAsync() is { } line)
            {
                acknowledged.Add(line);
                if (++lines == 50 + (100 * cycle))
                {
                    child.Kill();
                }
            }

            await child.WaitForExitAsync();
            lines.ShouldBeGreaterThanOrEqualTo(50, await child.StandardError.ReadToEndAsync());

            // The last line may have been cut by the kill.
            acknowledged.RemoveAll(name => !name.EndsWith('.'));
            await VerifyAsync(_directory.File, acknowledged);
        }
    }

    [Fact]
    public async Task F_28_A_second_process_is_refused()
    {
        await using var storage = SqliteStorage.Open(_directory.File, TimeProvider.System);
        using var child = StartChild("run");
        (await child.StandardOutput.ReadToEndAsync()).ShouldBeEmpty();
        await child.WaitForExitAsync();
        child.ExitCode.ShouldNotBe(0);
        (await child.StandardError.ReadToEndAsync()).ShouldContain("Another process uses the database");
    }

    /// <summary>Opens the file as after a crash, and says how many batches are there.</summary>
    private static async Task<int> VerifyAsync(string file, IReadOnlyCollection<string> acknowledged)
    {
        await using var storage = SqliteStorage.Open(file, TimeProvider.System);
        var left = await IdsAsync(storage, "left");
        var right = await IdsAsync(storage, "right");
        var audited = (await storage.ReadAuditAsync(0, 1_000_000, default)).Select(row => row.Id).ToHashSet();

        right.ShouldBe(left);
        audited.SetEquals(left).ShouldBeTrue();
        acknowledged.Where(name => !audited.Contains(name)).ShouldBeEmpty();
        foreach (var name in acknowledged.Take(10))
        {
            (await storage.FindByKeyAsync("left", "name", name, default)).ShouldNotBeNull().Id.ShouldBe(name);
        }

        return left.Length;
    }

    private static async Task<string[]> IdsAsync(SqliteStorage storage, string kind) =>
        [.. (await storage.ListAsync(new ListQuery(kind) { Take = 1_000_000 }, default)).Select(entity => entity.Id)];

    private Process StartChild(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] all = ["exec", typeof(CrashWriter).Assembly.Location, CrashWriter.Verb, _directory.File, .. arguments];
        foreach (var argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start).ShouldNotBeNull();
    }

    private sealed class InterruptingClock(Action interrupt) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow()
        {
            if (string.Equals(Thread.CurrentThread.Name, SqliteWriter.ThreadName, StringComparison.Ordinal))
            {
                interrupt();
            }

            return base.GetUtcNow();
        }
    }
}
