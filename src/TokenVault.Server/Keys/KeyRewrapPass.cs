using TokenVault.Server.Diagnostics;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>The steps of a pass: one batch of rows each, and where that leaves the pass.</summary>
internal sealed class KeyRewrapPass(IStorage storage, KeyRing ring, IReadOnlyList<SealedNoun> nouns, TimeProvider time, ILogger logger)
{
    private const int BatchSize = 200;

    public async Task<KeyRewrapState> BeginAsync(KeyRewrapState state, CancellationToken cancellationToken)
    {
        var total = 0L;
        foreach (var noun in nouns)
        {
            total += await storage.CountAsync(new ListQuery(noun.Kind), cancellationToken);
        }

        return state with { Pass = state.Pass + 1, Noun = nouns[0].Kind, After = null, Done = 0, Total = total, Rewrapped = 0, LeftBehind = 0 };
    }

    /// <summary>Re-wraps the next rows, and says so in the same commit; null when a row was changed meanwhile, or the lease is lost.</summary>
    public async Task<(CommitOutcome Outcome, KeyRewrapState State)> StepAsync(
        KeyRewrapState state, Func<Batch> leased, CancellationToken cancellationToken)
    {
        var noun = nouns.First(noun => noun.Kind == state.Noun);
        var rows = await storage.ListAsync(new ListQuery(noun.Kind) { After = state.After, Take = BatchSize }, cancellationToken);
        var batch = leased();
        var leftBehind = 0;
        var rewrapped = 0;
        foreach (var row in rows)
        {
            switch (Look(noun, row, batch))
            {
                case Finding.Rewrapped:
                    rewrapped++;
                    break;
                case Finding.LeftBehind:
                    leftBehind++;
                    break;
            }
        }

        var next = state with
        {
            After = rows.Count == 0 ? state.After : rows[^1].Id,
            Done = state.Done + rows.Count,
            Rewrapped = state.Rewrapped + rewrapped,
            RewrappedInAll = state.RewrappedInAll + rewrapped,
            LeftBehind = state.LeftBehind + leftBehind,
        };
        if (rows.Count < BatchSize)
        {
            next = await TurnAsync(next, cancellationToken);
        }

        return ((await storage.CommitAsync(batch.Put(next))).Outcome, next);
    }

    /// <summary>On to the next kind, or to the next pass, or to the end.</summary>
    private async Task<KeyRewrapState> TurnAsync(KeyRewrapState state, CancellationToken cancellationToken)
    {
        var place = nouns.TakeWhile(noun => noun.Kind != state.Noun).Count() + 1;
        if (place < nouns.Count)
        {
            return state with { Noun = nouns[place].Kind, After = null };
        }

        if (state.Rewrapped > 0)
        {
            return await BeginAsync(state with { CleanSince = null }, cancellationToken);
        }

        var now = time.GetUtcNow();
        return state with { FinishedAt = now, CleanSince = state.LeftBehind > 0 ? null : state.CleanSince ?? now };
    }

    private Finding Look(SealedNoun noun, Entity row, Batch batch)
    {
        try
        {
            if (noun.Rewrap(row, ring) is { } write)
            {
                batch.Add(write);
                return Finding.Rewrapped;
            }

            return noun.KeysOf(row).All(key => key == ring.SealingId) ? Finding.Fine : Finding.LeftBehind;
        }
        catch (CorruptRecordException e)
        {
            Log.CorruptRecord(logger, e, row.Kind, row.Id);
            return Finding.LeftBehind;
        }
    }

    private enum Finding
    {
        Fine,
        Rewrapped,
        LeftBehind,
    }
}
