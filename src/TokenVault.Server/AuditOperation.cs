using System.Globalization;
using TokenVault.Server.Audit;
using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server;

/// <summary>The work of <c>audit verify</c>, wherever it is done: in the verb's own process, or in the server that holds the store.</summary>
internal sealed class AuditOperation(IStorage storage, KeyRing ring)
{
    private const int MostFindingsShown = 100;

    /// <summary>The end of the chain that the words name; null when they are no such verb.</summary>
    public static (bool Known, string? Witness) Parse(string[] words) => words switch
    {
        ["audit", "verify"] => (true, null),
        ["audit", "verify", "--head", { Length: > 0 and <= 64 } head] => (true, head),
        _ => (false, null),
    };

    /// <returns>The exit code: 1 when something was found.</returns>
    public async Task<int> RunAsync(string? witness, TextWriter output, CancellationToken cancellationToken)
    {
        var total = await storage.CountAuditAsync(new AuditQuery(), cancellationToken);
        var lines = new ProgressLines(output, "verifying");
        var shown = 0;
        void Show(string problem)
        {
            if (++shown <= MostFindingsShown)
            {
                output.WriteLine("found: " + problem);
            }
        }

        var verdict = await new AuditVerification(storage, ring, Show, done => lines.Tell(done, total)).RunAsync(witness, cancellationToken);
        if (shown > MostFindingsShown)
        {
            await output.WriteLineAsync($"… and {ProgressLines.Count(shown - MostFindingsShown)} more");
        }

        if (verdict.Head is { } head)
        {
            var since = head.BegunAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
            await output.WriteLineAsync($"The chain began {since} and ends at {head}");
        }

        await output.WriteLineAsync(
            $"Verified {ProgressLines.Count(verdict.Chained)} chained rows, and {ProgressLines.Count(verdict.NotChained)} not chained yet; "
            + $"{ProgressLines.Count(verdict.Findings)} findings.");
        return verdict.Findings == 0 ? 0 : 1;
    }
}
