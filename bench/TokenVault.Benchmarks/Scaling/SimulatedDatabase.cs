namespace TokenVault.Benchmarks.Scaling;

/// <summary>
/// One PostgreSQL: processors; a log that is flushed for all who have committed meanwhile; and the one lock that every commit with a NOTIFY
/// holds until its flush is over, so that these come one after the other, whichever server they are of.
/// </summary>
internal sealed class SimulatedDatabase(SimulatedClock clock, Places processors, double flush, double journey)
{
    private List<TaskCompletionSource> _committing = [];
    private bool _flushing;

    public Places Processors { get; } = processors;

    public Places Notifying { get; } = new(clock, 1);

    public long Commits { get; set; }

    public async Task ReadAsync(double cpu)
    {
        await clock.PassAsync(journey);
        await Processors.UseAsync(cpu);
    }

    public async Task CommitAsync(double cpu, bool notifies)
    {
        await clock.PassAsync(journey);
        await Processors.UseAsync(cpu);

        // What tells others is sent before COMMIT; a group of audit rows commits by itself.
        if (notifies)
        {
            await clock.PassAsync(journey);
            await Notifying.EnterAsync();
        }

        await FlushAsync();
        Commits++;
        if (notifies)
        {
            Notifying.Leave();
        }
    }

    private Task FlushAsync()
    {
        var flushed = new TaskCompletionSource();
        _committing.Add(flushed);
        if (!_flushing)
        {
            _ = FlushAllAsync();
        }

        return flushed.Task;
    }

    private async Task FlushAllAsync()
    {
        _flushing = true;
        while (_committing.Count > 0)
        {
            var group = _committing;
            _committing = [];
            await clock.PassAsync(flush);
            group.ForEach(flushed => flushed.SetResult());
        }

        _flushing = false;
    }
}
