using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using TokenVault.Server;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage.Sqlite;

namespace TokenVault.Tests.Keys;

/// <summary>A process that re-wraps is killed in the middle; another one finishes its work.</summary>
public sealed class KeyRewrapCrashTests : IDisposable
{
    private const int Tokensets = 4_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tokenvault-keys-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task F_21_Killed_in_the_middle_it_leaves_everything_readable_and_the_next_run_goes_on_from_there()
    {
        await FillAsync();
        await RunAsync("rotate");

        long reached;
        using (var child = Start("rewrap"))
        {
            reached = await UntilUnderWayAsync();
            child.Kill();
            await child.WaitForExitAsync();
        }

        var list = await RunAsync("list");
        list.ShouldMatch(@"generation 2   active .* [1-9][0-9,]* values\n.*generation 1   previous .* [1-9][0-9,]* values\n");
        (await RunAsync("verify")).ShouldContain("; 0 do not open.");
        var output = await RunAsync("rewrap");

        var (done, total) = Numbers(output);
        done.ShouldBeGreaterThanOrEqualTo(reached);
        done.ShouldBeLessThan(total);
        output.ShouldContain("Re-wrapped 4,065 rows.");
        (await RunAsync("list")).ShouldMatch(@"generation 1   previous .* 0 values\n");
        (await RunAsync("verify")).ShouldContain("; 0 do not open.");
    }

    private static (long Done, long Total) Numbers(string output)
    {
        var match = System.Text.RegularExpressions.Regex.Match(output, "^Pass 1: ([0-9,]+) rows, ([0-9,]+) of them done");
        match.Success.ShouldBeTrue(output);
        return (Number(match.Groups[2].Value), Number(match.Groups[1].Value));
    }

    private static long Number(string text) => long.Parse(text.Replace(",", "", StringComparison.Ordinal), provider: null);

    private async Task FillAsync()
    {
        await using var storage = SqliteStorage.Open(Database, TimeProvider.System);
        await using var ring = await KeyRing.OpenAsync(storage, new RootKeys(Path.Combine(_directory.FullName, "root.key")), TimeProvider.System, CancellationToken.None);
        await new SealedStore(storage, ring, TimeProvider.System).FillAsync(Tokensets);
    }

    private string Database => Path.Combine(_directory.FullName, "vault.db");

    /// <summary>What a child has stored of its progress, once that is more than the rows of the first kinds.</summary>
    private async Task<long> UntilUnderWayAsync()
    {
        for (var since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < Patience;)
        {
            using (var reader = SqliteConnection.OpenReader(Database))
            {
                var state = reader.QueryText("SELECT CAST(body AS TEXT) FROM entity WHERE kind = 'key-rewrap'");
                if (state.Length > 0 && (long)JsonNode.Parse(state)!["done"]! > 200)
                {
                    return (long)JsonNode.Parse(state)!["done"]!;
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }

        throw new TimeoutException("The child did not begin.");
    }

    private Process Start(string verb)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(KeyRewrapCrashTests).Assembly.Location, "keys", verb]) { RedirectStandardOutput = true };
        start.Environment["TokenVault__DataDirectory"] = _directory.FullName;
        return Process.Start(start)!;
    }

    private async Task<string> RunAsync(string verb)
    {
        await using var output = new StringWriter { NewLine = "\n" };
        var settings = new Dictionary<string, string?> { ["TokenVault:DataDirectory"] = _directory.FullName };
        (await KeysCommand.RunAsync([verb], output, new ConfigurationBuilder().AddInMemoryCollection(settings).Build())).ShouldBe(0, output.ToString());
        return output.ToString();
    }
}
