namespace TokenVault.Benchmarks;

/// <summary>
/// One kind of request: the floor for a while, then each server in turn, and so on, every other time in reverse. What else goes on at the machine,
/// and how fast it is just now, is the same for all.
/// </summary>
/// <param name="floor">Null where it is the floor that is measured.</param>
internal sealed class Turns(RequestKind kind, FloorServer? floor, SuiteSize size)
{
    private readonly List<Side> _sides = [];
    private readonly List<Load> _floors = [];
    private TimeSpan _floorCpu;

    /// <returns>False: the CPU per request still fell when the time was up.</returns>
    public async Task<bool> WarmUpAsync(Subject subject)
    {
        var file = subject.Requests(kind);
        var warm = await WarmUp.RunAsync(
            subject.Server, kind, (duration, used) => Wrk.WarmUpAsync(subject.At.Address, file, kind, duration, used), size.WarmUpOf(kind));
        subject.Count(kind, warm.Answered, warm.Stops);
        _sides.Add(new Side(subject, warm));
        await Task.Delay(Side.Behind, TimeProvider.System);
        return warm.IsSteady;
    }

    /// <summary>All that have been warmed up, in that order.</summary>
    public async Task<IReadOnlyList<Measured>> RunAsync()
    {
        var (rounds, duration) = size.TurnsOf(kind);
        for (var round = 0; round < rounds; round++)
        {
            if (floor is not null)
            {
                var (load, cpu) = await floor.MeasureAsync(duration);
                _floors.Add(load);
                _floorCpu += cpu;
            }

            // The first of them comes right after the floor.
            foreach (var side in round % 2 == 0 ? _sides : _sides.AsEnumerable().Reverse())
            {
                await side.RunAsync(kind, duration, seed: round);
            }
        }

        return [.. _sides.Select(Sum)];
    }

    private Measured Sum(Side side)
    {
        var (load, subject) = (Load.Of(side.Loads), side.Subject);
        var ofFloor = floor is null ? load : Load.Of(_floors);
        return new Measured(subject.Name, kind.Name, load, ofFloor)
        {
            Cpu = side.Cpu / load.Answered,
            FloorCpu = (floor is null ? side.Cpu : _floorCpu) / ofFloor.Answered,
            RestCpu = (side.Rest - side.Used.Cpu) / load.Answered,
            Database = subject.At.Database is null ? null : side.Used.ForEach(load.Answered),
            TurnCpu = [.. side.Costs],
            WarmUp = side.WarmUp.Took,
            Wrong = load.Wrong + side.WarmUp.Wrong + (floor is null ? 0 : ofFloor.Wrong),
            LoadedBytes = side.LoadedBytes,
            ResidentBytes = side.ResidentBytes,
        };
    }
}
