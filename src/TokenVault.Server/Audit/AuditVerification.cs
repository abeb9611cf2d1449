using TokenVault.Server.Keys;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>What a verification came to.</summary>
/// <param name="Head">The end of the chain; null when there is none that can be trusted.</param>
internal sealed record AuditVerdict(AuditHead? Head, long Chained, long NotChained, long Findings);

/// <summary>
/// Computes the chain of the audit log again and names what is not as it was written: altered, missing, inserted and moved rows, and the
/// same of the chain itself. It reads beside running servers.
/// </summary>
internal sealed class AuditVerification(IStorage storage, KeyRing ring, Action<string> found, Action<long> progress)
{
    private const int PageSize = 500;

    /// <summary>Rows get their place within seconds. Where they wait for longer while others are written, nothing chains them.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    private string _greatestId = "";
    private long _findings;
    private long _chained;
    private long _notChained;
    private long _read;
    private bool _hasGap;
    private long _adoptedThrough = long.MaxValue;

    /// <param name="witness">An end of the chain as it was seen elsewhere, <c>sequence:link</c>: it must still be in the chain.</param>
    public async Task<AuditVerdict> RunAsync(string? witness, CancellationToken cancellationToken)
    {
        var total = await storage.CountAuditAsync(new AuditQuery(), cancellationToken);
        var head = await FindHeadAsync(cancellationToken);
        var last = 0L;
        if (head is not null)
        {
            _adoptedThrough = head.AdoptedThrough;
            foreach (var row in (await ReadAsync(long.MinValue, head.FloorSequence, cancellationToken)).Values)
            {
                Found($"row {row.Sequence} ({row.Id}) was inserted before the first row that is kept");
            }

            last = await WalkAsync(head, witness, cancellationToken);
        }

        await ReadRestAsync(last, cancellationToken);
        await CompareCountAsync(total, head, cancellationToken);
        return new AuditVerdict(head, _chained, _notChained, _findings);
    }

    /// <returns>Null when there is none that can be trusted.</returns>
    private async Task<AuditHead?> FindHeadAsync(CancellationToken cancellationToken)
    {
        var (head, isThere) = await ReadHeadAsync(cancellationToken);
        if (head is null && (isThere || await storage.CountAsync(new ListQuery(AuditSegment.Kind), cancellationToken) > 0))
        {
            Found($"the chain's head {(isThere ? "was altered" : "is missing")}: where the chain ends cannot be known");
        }

        return head;
    }

    private Task<(AuditHead? Genuine, bool IsThere)> ReadHeadAsync(CancellationToken cancellationToken) =>
        ReadAsync<AuditHead>(AuditHead.TheId, head => head.IsGenuine(ring), cancellationToken);

    /// <summary>What cannot even be read was altered as well; it must not keep the rest from being verified.</summary>
    private async Task<(T? Genuine, bool IsThere)> ReadAsync<T>(string id, Func<T, bool> isGenuine, CancellationToken cancellationToken)
        where T : class, IRecord<T>
    {
        try
        {
            var record = await storage.FindAsync<T>(id, cancellationToken);
            return (record is not null && isGenuine(record) ? record : null, record is not null);
        }
        catch (CorruptRecordException)
        {
            return (null, true);
        }
    }

    /// <returns>The last row that the chain speaks of.</returns>
    private async Task<long> WalkAsync(AuditHead head, string? witness, CancellationToken cancellationToken)
    {
        var (before, through) = (head.Floor, head.FloorSequence);
        var witnessed = witness is null;
        for (var number = head.FirstSegment; number <= head.LastSegment; number++)
        {
            var (segment, isThere) = await ReadAsync<AuditSegment>(AuditSegment.NameOf(number), one => one.IsGenuine(ring), cancellationToken);
            if (!isThere && await RetiredAsync(number, cancellationToken) is { } shorter)
            {
                (number, before, through) = (shorter.FirstSegment - 1, shorter.Floor, shorter.FloorSequence);
                continue;
            }

            if (segment is null)
            {
                Found($"segment {number} of the chain {(isThere ? "was altered" : "is missing")}: rows after {through} cannot be placed");
                before = null;
                _hasGap = true;
                continue;
            }

            if (before is null)
            {
                through = segment.Sequences[0] - 1;
            }
            else if (before != segment.Before)
            {
                Found($"segment {number} of the chain does not follow the one before it");
            }

            await CompareAsync(segment, through, cancellationToken);
            witnessed |= witness is not null && Holds(segment, witness);
            (before, through) = (segment.LastLink, segment.Last);
        }

        if (before is not null && (through < head.LastSequence || (through == head.LastSequence && before != head.LastLink)))
        {
            Found($"the chain ends at row {through}, but its head says row {head.LastSequence}");
        }

        if (!witnessed)
        {
            Found($"the chain has no row with the link {witness}: it is not the chain that was seen then, or retention has removed that row");
        }

        return Math.Max(through, head.LastSequence);
    }

    /// <summary>On PostgreSQL, rows whose numbers the sequence never gave out are passed over by whoever reads in its order.</summary>
    private async Task CompareCountAsync(long total, AuditHead? head, CancellationToken cancellationToken)
    {
        var (now, _) = await ReadHeadAsync(cancellationToken);
        if (_read < total && !_hasGap && now?.FirstSegment == head?.FirstSegment)
        {
            Found($"{total - _read} rows have numbers that the store never gave out: no server wrote them");
        }
    }

    /// <summary>A segment that is gone because its time was over.</summary>
    private async Task<AuditHead?> RetiredAsync(long number, CancellationToken cancellationToken) =>
        await ReadHeadAsync(cancellationToken) is ({ } head, _) && head.FirstSegment > number
            ? head
            : null;

    private async Task CompareAsync(AuditSegment segment, long after, CancellationToken cancellationToken)
    {
        var rows = await ReadAsync(after, segment.Last, cancellationToken);
        if (rows.Count < segment.Sequences.Count && await RetiredAsync(segment.Number, cancellationToken) is not null)
        {
            return;
        }

        var links = Convert.FromBase64String(segment.Links);
        var previous = Convert.FromBase64String(segment.Before);
        for (var i = 0; i < segment.Sequences.Count; i++)
        {
            var link = links.AsSpan(i * AuditSeal.LinkLength, AuditSeal.LinkLength).ToArray();
            var sequence = segment.Sequences[i];
            if (!rows.Remove(sequence, out var row))
            {
                Found($"row {sequence} is missing");
            }
            else if (!AuditSeal.Link(ring, previous, row, AuditSeal.Of(ring, row)).AsSpan().SequenceEqual(link))
            {
                Found(IsSealed(row) ? $"row {sequence} ({row.Id}) is not the one that was written there: moved, or out of its order" : $"row {sequence} ({row.Id}) was altered");
            }
            else if (!IsWritten(row))
            {
                // The servers chain what they find: its link says nothing of who wrote it.
                Found($"row {sequence} ({row.Id}) has {(row.Mac is null ? "no seal: it was altered before it was chained, or no server wrote it" : "another seal than it was written with")}");
            }
            else
            {
                await RequireOriginalAsync(row, cancellationToken);
            }

            previous = link;
            progress(++_chained);
        }

        foreach (var row in rows.Values)
        {
            Found($"row {row.Sequence} ({row.Id}) was inserted: {(IsSealed(row) ? "a copy of a row, or one that was moved" : "no server wrote it")}");
        }
    }

    private async Task<Dictionary<long, StoredAuditRow>> ReadAsync(long after, long through, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<long, StoredAuditRow>();
        while (true)
        {
            var page = await storage.ReadAuditAsync(after, PageSize, cancellationToken);
            foreach (var row in page.Where(row => row.Sequence <= through))
            {
                _read++;
                rows[row.Sequence] = row;
            }

            if (page.Count < PageSize || page[^1].Sequence >= through)
            {
                return rows;
            }

            after = page[^1].Sequence;
        }
    }

    /// <summary>The rows that wait for their place have their seal at least.</summary>
    private async Task ReadRestAsync(long after, CancellationToken cancellationToken)
    {
        StoredAuditRow? first = null;
        var newest = DateTimeOffset.MinValue;
        while (await storage.ReadAuditAsync(after, PageSize, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var row in page)
            {
                if (!IsWritten(row))
                {
                    Found($"row {row.Sequence} ({row.Id}), not chained yet, was altered, or no server wrote it");
                }
                else if (row.Mac is not null)
                {
                    first ??= row;
                    newest = row.At > newest ? row.At : newest;
                }

                await RequireOriginalAsync(row, cancellationToken);
                _read++;
                progress(_chained + ++_notChained);
            }

            after = page[^1].Sequence;
        }

        if (first is not null && newest - first.At > LongestWait)
        {
            Found($"row {first.Sequence} ({first.Id}) and what follows it waited to be chained while the servers went on: what is not chained can be removed unseen");
        }
    }

    /// <summary>A copy has a genuine seal. Its id, which ascends with time, is not above all before it; few rows are like that.</summary>
    private async ValueTask RequireOriginalAsync(StoredAuditRow row, CancellationToken cancellationToken)
    {
        if (string.CompareOrdinal(row.Id, _greatestId) > 0)
        {
            _greatestId = row.Id;
            return;
        }

        if (await storage.FindAuditAsync(row.Id, cancellationToken) is { } first && first.Sequence != row.Sequence)
        {
            Found($"row {row.Sequence} ({row.Id}) is a copy of row {first.Sequence}");
        }
    }

    private static bool Holds(AuditSegment segment, string witness)
    {
        var links = Convert.FromBase64String(segment.Links);
        return segment.Sequences
            .Select((sequence, i) => $"{sequence}:{Convert.ToHexStringLower(links.AsSpan(i * AuditSeal.LinkLength, AuditSeal.LinkLength))}")
            .Contains(witness, StringComparer.Ordinal);
    }

    /// <summary>By a server; before there were seals, by whomever.</summary>
    private bool IsWritten(StoredAuditRow row) => IsSealed(row) || (row.Mac is null && row.Sequence <= _adoptedThrough);

    private bool IsSealed(StoredAuditRow row) => row.Mac is { } mac && mac.AsSpan().SequenceEqual(AuditSeal.Of(ring, row));

    private void Found(string problem)
    {
        _findings++;
        found(problem);
    }
}
