using System.Runtime.CompilerServices;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>All rows that may hold sealed values.</summary>
internal sealed class SealedRows(IStorage storage, IReadOnlyList<SealedNoun> nouns)
{
    private const int PageSize = 500;

    public async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        var total = 0L;
        foreach (var noun in nouns)
        {
            total += await storage.CountAsync(new ListQuery(noun.Kind), cancellationToken);
        }

        return total;
    }

    public async IAsyncEnumerable<(SealedNoun Noun, Entity Row)> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var noun in nouns)
        {
            for (string? after = null; ;)
            {
                var page = await storage.ListAsync(new ListQuery(noun.Kind) { After = after, Take = PageSize }, cancellationToken);
                foreach (var row in page)
                {
                    yield return (noun, row);
                }

                if (page.Count < PageSize)
                {
                    break;
                }

                after = page[^1].Id;
            }
        }
    }
}
