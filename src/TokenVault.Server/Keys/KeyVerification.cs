using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>Opens every sealed value there is, or counts them by the key that they name.</summary>
internal sealed class KeyVerification(SealedRows rows, KeyRing ring)
{
    /// <summary>How many values name each vault key. Rows that cannot be read are left out.</summary>
    public async Task<Dictionary<string, long>> CountAsync(CancellationToken cancellationToken)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        await foreach (var (noun, row) in rows.ReadAsync(cancellationToken))
        {
            foreach (var id in KeysOf(noun, row).OfType<ulong>())
            {
                var name = VaultKey.Name(id);
                counts[name] = counts.GetValueOrDefault(name) + 1;
            }
        }

        return counts;
    }

    /// <param name="report">Told after each row: what of it does not open, empty when all does.</param>
    /// <param name="cancellationToken">The caller's.</param>
    public async Task<VerificationResult> VerifyAsync(Action<Entity, IReadOnlyList<string>> report, CancellationToken cancellationToken)
    {
        var (read, values, broken) = (0L, 0L, 0L);
        await foreach (var (noun, row) in rows.ReadAsync(cancellationToken))
        {
            var problems = Problems(noun, row);
            read++;
            values += KeysOf(noun, row).Count();
            broken += problems.Count;
            report(row, problems);
        }

        return new VerificationResult(read, values, broken);
    }

    private IReadOnlyList<string> Problems(SealedNoun noun, Entity row)
    {
        try
        {
            return noun.FindBroken(row, ring);
        }
        catch (CorruptRecordException)
        {
            return ["the whole row"];
        }
    }

    private static IEnumerable<ulong?> KeysOf(SealedNoun noun, Entity row)
    {
        try
        {
            return noun.KeysOf(row);
        }
        catch (CorruptRecordException)
        {
            return [];
        }
    }
}

/// <summary>What a verification came to.</summary>
internal sealed record VerificationResult(long Rows, long Values, long Broken);
