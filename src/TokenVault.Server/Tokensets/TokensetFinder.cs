using TokenVault.Server.Diagnostics;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Finds a user's tokenset at a connection. The user comes from a verified token only, and a row is taken only if it says
/// itself that it is that user's (T-ST-13, T-RC-02).
/// </summary>
internal sealed class TokensetFinder(IStorage storage, ILogger<TokensetFinder> logger)
{
    /// <param name="hint">The user's id or e-mail at the provider, or the connected account's id; null for the account connected last.</param>
    /// <exception cref="CorruptRecordException">There is none to take, but a row that cannot be what it claims to be.</exception>
    public async ValueTask<Tokenset?> FindAsync(string userId, string connectionId, string? hint, CancellationToken cancellationToken)
    {
        var query = new ListQuery(Tokenset.Kind) { Index = Tokenset.OwnerIndex(userId, connectionId), Take = 100 };
        var rows = await storage.ListAsync(query, cancellationToken);
        Tokenset? found = null;
        CorruptRecordException? corruption = null;
        foreach (var row in rows)
        {
            try
            {
                var tokenset = Read(row, userId, connectionId);
                if ((hint is null || tokenset.IsMeantBy(hint)) && (found is null || IsBetter(tokenset, found, hint)))
                {
                    found = tokenset;
                }
            }
            catch (CorruptRecordException e)
            {
                corruption = e;
            }
        }

        // One bad row is refused and reported; the user's other accounts go on working (F-38).
        if (found is not null && corruption is not null)
        {
            Log.CorruptRecord(logger, corruption, corruption.RecordKind, corruption.RecordId);
        }

        return found ?? (corruption is null ? null : throw corruption);
    }

    /// <summary>Named by its id rather than by an address; then, connected later.</summary>
    private static bool IsBetter(Tokenset tokenset, Tokenset than, string? hint)
    {
        var (named, thatIs) = (hint is not null && tokenset.IsNamed(hint), hint is not null && than.IsNamed(hint));
        return named == thatIs ? tokenset.ConnectedAt > than.ConnectedAt : named;
    }

    private static Tokenset Read(Entity row, string userId, string connectionId)
    {
        var tokenset = row.ToRecord<Tokenset>();
        return tokenset.UserId == userId && tokenset.ConnectionId == connectionId
            ? tokenset
            : throw new CorruptRecordException(row.Kind, row.Id, inner: null);
    }
}
