namespace TokenVault.Benchmarks.Scaling;

/// <summary>So many can be inside at once; the others wait in the order in which they came. Processors, connections, a lock.</summary>
internal sealed class Places(SimulatedClock clock, int places)
{
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private int _taken;
    private double _busy;
    private double _since;
    private double _last;

    /// <summary>How many were inside at once at most.</summary>
    public int Most { get; private set; }

    /// <summary>How much of the places was taken on average since <see cref="Reset"/>, from 0 to 1.</summary>
    public double Share => (_busy + (_taken * (clock.Now - _last))) / places / Math.Max(1e-9, clock.Now - _since);

    public void Reset() => (_busy, _since, _last, Most) = (0, clock.Now, clock.Now, _taken);

    public Task EnterAsync()
    {
        if (_taken == places)
        {
            var turn = new TaskCompletionSource();
            _waiting.Enqueue(turn);
            return turn.Task;
        }

        Count(+1);
        return Task.CompletedTask;
    }

    public void Leave()
    {
        if (_waiting.TryDequeue(out var next))
        {
            next.SetResult();
            return;
        }

        Count(-1);
    }

    public async Task UseAsync(double seconds)
    {
        await EnterAsync();
        await clock.PassAsync(seconds);
        Leave();
    }

    private void Count(int change)
    {
        _busy += _taken * (clock.Now - _last);
        _last = clock.Now;
        _taken += change;
        Most = Math.Max(Most, _taken);
    }
}
