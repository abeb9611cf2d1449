namespace TokenVault.Benchmarks.Scaling;

/// <summary>
/// The audit log's chain (decision 0008): one server at a time takes in what was logged, a segment a commit, one after the other. It delays
/// nobody, but must keep up.
/// </summary>
internal sealed class SimulatedChain(SimulatedClock clock, SimulatedDatabase database, Places processors, double cpuOfRow)
{
    private const int Segment = 256;
    private const double Pause = 1;

    /// <summary>Its head, the last segment, the rows.</summary>
    private const int Reads = 3;

    private readonly Places _place = new(clock, 1);

    public long Waiting { get; set; }

    /// <summary>How much of the time it was at work.</summary>
    public Places Work => _place;

    public async Task RunAsync()
    {
        while (true)
        {
            await _place.EnterAsync();
            for (var rows = Segment; rows == Segment;)
            {
                // It goes on at once only after a full segment.
                rows = (int)Math.Min(Segment, Waiting);
                for (var i = 0; i < Reads; i++)
                {
                    await database.ReadAsync(rows * cpuOfRow / Reads);
                }

                await processors.UseAsync(rows * cpuOfRow);
                await database.CommitAsync(rows * cpuOfRow, notifies: true);
                Waiting -= rows;
            }

            _place.Leave();
            await clock.PassAsync(Pause);
        }
    }
}
