namespace TokenVault.Server.Diagnostics;

/// <summary>When a collection of the whole heap, which everything waits for, is in nobody's way and worth it. To be asked every second.</summary>
internal sealed class IdleCollection
{
    /// <summary>Of one processor's time since the last look.</summary>
    private const double IdleProcessor = 0.05;

    /// <summary>Allocated since the last look, by some sixty exchanges: who gets no processor is not idle for that.</summary>
    private const long IdleBytes = 1024 * 1024;

    /// <summary>Allocated since the last collection: below that there is little to give back.</summary>
    private const long WorthBytes = 64 * 1024 * 1024;

    /// <summary>Of the heap, with what is not collected yet: more takes too long for whoever comes just then. 62 MB took 40 to 61 ms.</summary>
    private const long MostBytes = 128 * 1024 * 1024;

    /// <summary>A look right after another, which had come late, sees nothing.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(900);

    private (TimeSpan At, ProcessUse Use)? _last;
    private long _collectedBytes;

    /// <param name="now">Since any moment that stays the same.</param>
    public bool IsDue(TimeSpan now, ProcessUse use)
    {
        if (now - _last?.At < Least)
        {
            return false;
        }

        var isIdle = _last is { } last
            && use.Processor - last.Use.Processor < (now - last.At) * IdleProcessor
            && use.AllocatedBytes - last.Use.AllocatedBytes < IdleBytes;
        _last = (now, use);
        if (!isIdle || use.AllocatedBytes - _collectedBytes < WorthBytes || use.HeapBytes > MostBytes)
        {
            return false;
        }

        _collectedBytes = use.AllocatedBytes;
        return true;
    }
}
