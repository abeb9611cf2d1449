namespace TokenVault.Testing;

/// <summary>One act of the fake provider: how it misbehaves, and how often and how concurrently it was asked for.</summary>
internal sealed class FakeEndpoint
{
    private readonly Lock _gate = new();
    private readonly Queue<Fault> _next = new();
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiting = [];
    private Fault? _always;

    /// <summary>Requests that have arrived.</summary>
    public int Calls { get; private set; }

    /// <summary>Requests being answered now.</summary>
    public int Running { get; private set; }

    /// <summary>The most there ever were at once.</summary>
    public int MostRunning { get; private set; }

    /// <summary>Every request from now on; null: behave.</summary>
    public void Always(Fault? fault)
    {
        lock (_gate)
        {
            _always = fault;
        }
    }

    /// <summary>The next requests, one each, before what <see cref="Always"/> says.</summary>
    public void Next(params Fault[] faults)
    {
        lock (_gate)
        {
            foreach (var fault in faults)
            {
                _next.Enqueue(fault);
            }
        }
    }

    /// <summary>Done when so many requests have arrived in all.</summary>
    public Task WhenCalledAsync(int count)
    {
        lock (_gate)
        {
            if (Calls >= count)
            {
                return Task.CompletedTask;
            }

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((count, reached));
            return reached.Task;
        }
    }

    public Fault? Enter()
    {
        lock (_gate)
        {
            Calls++;
            Running++;
            MostRunning = Math.Max(MostRunning, Running);
            foreach (var (_, reached) in _waiting.Where(w => w.Count <= Calls))
            {
                reached.TrySetResult();
            }

            return _next.TryDequeue(out var fault) ? fault : _always;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            Running--;
        }
    }
}
