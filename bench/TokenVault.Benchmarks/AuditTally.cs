using TokenVault.Server.Audit;
using TokenVault.Server.Storage;

namespace TokenVault.Benchmarks;

/// <summary>What the log of a store tells of exchanges and refreshes.</summary>
internal sealed record AuditTally(long Exchanges, long Refreshes)
{
    private const int Page = 10_000;

    public static async Task<AuditTally> CountAsync(IStorage storage)
    {
        var (exchanges, refreshes, after) = (0L, 0L, 0L);
        while (true)
        {
            var rows = await storage.ReadAuditAsync(after, Page, CancellationToken.None);
            if (rows.Count == 0)
            {
                return new AuditTally(exchanges, refreshes);
            }

            after = rows[^1].Sequence;
            exchanges += rows.Count(row => Is(row, "\"type\":\"" + AuditType.SuccessfulVaultExchange + '"'));
            refreshes += rows.Count(row => Is(row, "\"type\":\"" + AuditType.TokensetRefreshed + '"'));
        }
    }

    private static bool Is(StoredAuditRow row, string text)
    {
        Span<byte> sought = stackalloc byte[text.Length];
        System.Text.Encoding.ASCII.GetBytes(text, sought);
        return row.Body.AsSpan().IndexOf(sought) >= 0;
    }
}
