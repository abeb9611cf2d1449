namespace TokenVault.Server.Tokensets;

/// <summary>
/// Which tokensets were noted on which day, by eight bytes each: two megabytes, for a hundred thousand and more. Where too many share a place,
/// one is forgotten, and noted again. Were two hashes ever alike, one of the two would go without its note as long as both are in use.
/// </summary>
internal sealed class NotedDays
{
    private const int Sets = 32_768;
    private const int Ways = 8;

    private readonly long[] _marks = new long[Sets * Ways];

    public bool Has(string id, DateOnly day)
    {
        var hash = Hash(id);
        return Place(hash).Contains(Mark(hash, day));
    }

    public void Add(string id, DateOnly day)
    {
        var hash = Hash(id);
        var mark = Mark(hash, day);
        var place = Place(hash);
        foreach (ref var noted in place)
        {
            if (noted == mark)
            {
                return;
            }

            if (DayOf(noted) != DayOf(mark))
            {
                Volatile.Write(ref noted, mark);
                return;
            }
        }

        Volatile.Write(ref place[(int)((ulong)mark >> 61)], mark);
    }

    public void Remove(string id, DateOnly day)
    {
        var hash = Hash(id);
        var mark = Mark(hash, day);
        foreach (ref var noted in Place(hash))
        {
            // One by one: what others do to their marks in this place stays done.
            Interlocked.CompareExchange(ref noted, 0, mark);
        }
    }

    private Span<long> Place(long hash) => _marks.AsSpan((int)(hash & (Sets - 1)) * Ways, Ways);

    /// <summary>The place says the lower bits of the hash already: the day is there, and no other day for ninety years has its number.</summary>
    private static long Mark(long hash, DateOnly day) => (hash & ~(Sets - 1L)) | DayOf(day.DayNumber);

    private static long DayOf(long mark) => mark & (Sets - 1);

    /// <summary>Ids are long and random, and the hashes are another process's otherwise.</summary>
    private static long Hash(string id)
    {
        var half = id.Length / 2;
        return ((long)string.GetHashCode(id.AsSpan(0, half)) << 32) | (uint)string.GetHashCode(id.AsSpan(half));
    }
}
