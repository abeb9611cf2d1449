using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Audit;

/// <summary>
/// Puts the rows of the audit log, each sealed already, in their order for good: a second or two after they were written, so that no request
/// waits for it. One commit lengthens the chain, by compare and swap of its head, so that any number of nodes may try.
/// </summary>
internal sealed class AuditChain(IStorage storage, KeyRing ring, TimeProvider time)
{
    private const string LeaseName = "audit-chain";

    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(5);

    /// <summary>One look a second, while rows wait and no other node takes them in either.</summary>
    private const int MostLooksInVain = 60;

    /// <summary>Segments: whoever writes meanwhile does not wait for long.</summary>
    private const int MostRetiredInOneCommit = 8;

    private readonly string _node = Identifier.Secret();
    private AuditHead? _seen;
    private (long Sequence, int Looks) _inVain;

    /// <summary>The end of the chain as this node last saw it.</summary>
    public AuditHead? Head => Volatile.Read(ref _seen);

    /// <summary>Takes in everything that is settled.</summary>
    public async Task ExtendAsync(CancellationToken cancellationToken)
    {
        while (await StepAsync(cancellationToken))
        {
        }
    }

    /// <summary>
    /// Removes whole segments whose rows are all older; returns how many rows. The last segment stays: the chain goes on from it. What a
    /// stream has not had yet stays for a while longer, and the commit that removes rows says so itself.
    /// </summary>
    public async Task<long> RetireAsync(RetentionTerms terms, AuditLog audit, CancellationToken cancellationToken)
    {
        var rows = 0L;
        while (await FindHeadAsync(cancellationToken) is { } head && await OldestAsync(head, terms, cancellationToken) is { Count: > 0 } old)
        {
            var last = old[^1];
            var shorter = head with { FirstSegment = last.Number + 1, Floor = last.LastLink, FloorSequence = last.Last };
            var removed = old.Sum(segment => segment.Sequences.Count);
            var batch = new Batch().Replace(shorter.Signed(ring)).DropAudit(last.Last).Append(audit.Row(terms.Event(removed, last.Last)));
            old.ForEach(segment => batch.Delete(segment));
            rows += (await storage.CommitAsync(batch)).Committed ? removed : 0;
        }

        return rows;
    }

    private async Task<List<AuditSegment>> OldestAsync(AuditHead head, RetentionTerms terms, CancellationToken cancellationToken)
    {
        var old = new List<AuditSegment>();
        for (var number = head.FirstSegment; number < head.LastSegment && old.Count < MostRetiredInOneCommit; number++)
        {
            var segment = await FindSegmentAsync(number, cancellationToken);
            if (!terms.MayGo(segment, time.GetUtcNow()))
            {
                break;
            }

            old.Add(segment);
        }

        return old;
    }

    private async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        var stored = await FindHeadAsync(cancellationToken);
        if (stored is null && _seen is not null)
        {
            throw new AuditChainBrokenException("Its head is gone from the store.");
        }

        var open = stored is null ? null : await FindSegmentAsync(stored.LastSegment, cancellationToken);
        var room = open is null || open.Sequences.Count >= AuditSegment.Capacity ? AuditSegment.Capacity : AuditSegment.Capacity - open.Sequences.Count;
        var rows = await storage.ReadAuditSealsAsync(stored?.LastSequence ?? 0, room, cancellationToken);
        if (rows.Count == 0)
        {
            return false;
        }

        if ((stored ?? await BeginAsync(rows, cancellationToken)) is not { } head)
        {
            return false;
        }

        var isNew = room == AuditSegment.Capacity;
        var segment = isNew ? Next(head, rows) : Longer(open!, rows);
        var longer = (head with { LastSegment = segment.Number, LastSequence = segment.Last, LastLink = segment.LastLink }).Signed(ring);
        var batch = new Batch().AcquireLease(LeaseName, _node, LeaseTime);
        batch = isNew ? batch.Insert(segment) : batch.Replace(segment);
        batch = stored is null ? batch.Insert(longer) : batch.Replace(longer);
        if (!(await storage.CommitAsync(batch)).Committed)
        {
            // Another node is at it, or somebody wants the servers to believe so.
            RequireProgress(head.LastSequence);
            return false;
        }

        Volatile.Write(ref _seen, longer);
        return rows.Count == room;
    }

    private void RequireProgress(long sequence)
    {
        _inVain = (sequence, _inVain.Sequence == sequence ? _inVain.Looks + 1 : 1);
        if (_inVain.Looks >= MostLooksInVain)
        {
            throw new AuditChainBrokenException($"Nothing has been added after row {sequence} for a minute, though rows wait: the lease '{LeaseName}' is not given back.");
        }
    }

    /// <summary>Where there are rows without a seal already, an older version wrote them.</summary>
    /// <returns>Null when another node has begun just now.</returns>
    /// <exception cref="AuditChainBrokenException">There was a chain: to begin another one would hide that its head is gone.</exception>
    private async Task<AuditHead?> BeginAsync(IReadOnlyList<StoredAuditRow> rows, CancellationToken cancellationToken)
    {
        if (await storage.CountAsync(new ListQuery(AuditSegment.Kind), cancellationToken) > 0)
        {
            return await FindHeadAsync(cancellationToken) is not null ? null : throw new AuditChainBrokenException("Its head is gone from the store.");
        }

        var adopted = 0L;
        for (var page = rows; page.Count > 0; page = await storage.ReadAuditSealsAsync(page[^1].Sequence, AuditSegment.Capacity, cancellationToken))
        {
            var last = page.LastOrDefault(row => row.Mac is null)?.Sequence;
            adopted = last ?? adopted;
            if (last is null)
            {
                break;
            }
        }

        return new AuditHead
        {
            BegunAt = time.GetUtcNow(),
            FirstSegment = 1,
            Floor = "",
            FloorSequence = 0,
            LastSegment = 0,
            LastSequence = 0,
            LastLink = "",
            AdoptedThrough = adopted,
        };
    }

    private AuditSegment Next(AuditHead head, IReadOnlyList<StoredAuditRow> rows) => Longer(
        new AuditSegment { Number = head.LastSegment + 1, Before = head.LastLink, Sequences = [], Links = "", NewestAt = DateTimeOffset.MinValue },
        rows);

    private AuditSegment Longer(AuditSegment segment, IReadOnlyList<StoredAuditRow> rows)
    {
        using var links = new MemoryStream();
        links.Write(Convert.FromBase64String(segment.Links));
        var previous = Convert.FromBase64String(segment.LastLink);
        foreach (var row in rows)
        {
            previous = AuditSeal.Link(ring, previous, row, row.Mac ?? AuditSeal.Of(ring, row));
            links.Write(previous);
        }

        var newest = rows.Max(row => row.At);
        return (segment with
        {
            Sequences = [.. segment.Sequences, .. rows.Select(row => row.Sequence)],
            Links = Convert.ToBase64String(links.ToArray()),
            NewestAt = newest > segment.NewestAt ? newest : segment.NewestAt,
        }).Signed(ring);
    }

    /// <exception cref="AuditChainBrokenException">It is not what a server wrote, or older than what this one has seen.</exception>
    private async Task<AuditHead?> FindHeadAsync(CancellationToken cancellationToken)
    {
        var head = await storage.FindAsync<AuditHead>(AuditHead.TheId, cancellationToken);
        if (head is null)
        {
            return null;
        }

        if (!head.IsGenuine(ring))
        {
            throw new AuditChainBrokenException("Its head was altered.");
        }

        var seen = Volatile.Read(ref _seen);
        if (seen is not null && head.LastSequence < seen.LastSequence)
        {
            throw new AuditChainBrokenException($"It ends at row {head.LastSequence}, and ended at row {seen.LastSequence} before.");
        }

        Volatile.Write(ref _seen, head);
        return head;
    }

    /// <exception cref="AuditChainBrokenException">It is missing, or not what a server wrote.</exception>
    private async Task<AuditSegment> FindSegmentAsync(long number, CancellationToken cancellationToken) =>
        await storage.FindAsync<AuditSegment>(AuditSegment.NameOf(number), cancellationToken) is { } segment && segment.IsGenuine(ring)
            ? segment
            : throw new AuditChainBrokenException($"Its segment {number} is missing or was altered.");
}

/// <summary>The chain cannot go on from what the store has. Nothing is repaired by itself: that would hide what happened.</summary>
internal sealed class AuditChainBrokenException(string problem)
    : Exception($"The chain of the audit log is broken. {problem} Run 'tokenvault-server audit verify', and compare with a backup or a log stream.");
