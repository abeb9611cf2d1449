namespace TokenVault.Benchmarks.Scaling;

/// <summary>Time that passes only where somebody waits: whoever waits the shortest goes on first, on the one thread that there is.</summary>
internal sealed class SimulatedClock
{
    private readonly PriorityQueue<TaskCompletionSource, (double At, long Order)> _due = new();
    private long _order;

    /// <summary>In seconds.</summary>
    public double Now { get; private set; }

    public Task PassAsync(double seconds)
    {
        var due = new TaskCompletionSource();
        _due.Enqueue(due, (Now + seconds, _order++));
        return due.Task;
    }

    public void RunUntil(double end)
    {
        while (_due.TryPeek(out var due, out var when) && when.At <= end)
        {
            _due.Dequeue();
            Now = when.At;
            due.SetResult();
        }

        Now = end;
    }
}
