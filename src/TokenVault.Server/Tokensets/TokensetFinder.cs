using System.Runtime.InteropServices;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Finds a user's tokenset at a connection. The user comes from a verified token only, and a row is taken only if it says
/// itself that it is that user's (T-ST-13, T-RC-02).
/// </summary>
internal sealed class TokensetFinder(IStorage storage, RememberedRows<Tokenset> remembered, TimeProvider time, ILogger<TokensetFinder> logger)
{
    private const int Most = 100;

    /// <param name="hint">The user's id or e-mail at the provider, or the connected account's id; null for the account connected last.</param>
    /// <param name="recall">Of remembered ones, only such whose access token is worth handing out are taken.</param>
    /// <exception cref="CorruptRecordException">There is none to take, but a row that cannot be what it claims to be.</exception>
    public async ValueTask<Tokenset?> FindAsync(string userId, string connectionId, string? hint, Recall recall, CancellationToken cancellationToken)
    {
        var owner = Tokenset.OwnerIndex(userId, connectionId);
        if (remembered.Recalled(owner.Value, recall) is { } known
            && Choose(known, hint) is { State: TokensetState.Active } tokenset
            && tokenset.IsFresh(time.GetUtcNow()))
        {
            return tokenset;
        }

        var since = remembered.Moment;
        var rows = await storage.ListAsync(new ListQuery(Tokenset.Kind) { Index = owner, Take = Most }, cancellationToken);
        var (sound, corruption) = Read(rows, userId, connectionId);
        var found = Choose(CollectionsMarshal.AsSpan(sound), hint);
        if (corruption is not null)
        {
            return found is null ? throw corruption : Report(corruption, found);
        }

        if (found is not null)
        {
            remembered.Keep(owner.Value, [.. sound], rows.Sum(row => (long)row.Body.Length), since);
        }

        return found;
    }

    private static Tokenset? Choose(ReadOnlySpan<Tokenset> tokensets, string? hint)
    {
        Tokenset? found = null;
        foreach (var tokenset in tokensets)
        {
            if ((hint is null || tokenset.IsMeantBy(hint)) && (found is null || IsBetter(tokenset, found, hint)))
            {
                found = tokenset;
            }
        }

        return found;
    }

    private static (List<Tokenset> Sound, CorruptRecordException? Corruption) Read(IReadOnlyList<Entity> rows, string userId, string connectionId)
    {
        var sound = new List<Tokenset>(rows.Count);
        CorruptRecordException? corruption = null;
        foreach (var row in rows)
        {
            try
            {
                sound.Add(Read(row, userId, connectionId));
            }
            catch (CorruptRecordException e)
            {
                corruption = e;
            }
        }

        return (sound, corruption);
    }

    /// <summary>One bad row is refused and reported; the user's other accounts go on working (F-38).</summary>
    private Tokenset Report(CorruptRecordException corruption, Tokenset found)
    {
        Log.CorruptRecord(logger, corruption, corruption.RecordKind, corruption.RecordId);
        return found;
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
