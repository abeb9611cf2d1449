namespace TokenVault.Benchmarks;

/// <summary>One server among those that take turns.</summary>
internal sealed class Side(Subject subject, WarmUp warmUp)
{
    /// <summary>What a server does behind its answers (the log's chain, notes of use, memory given back) it has done by then, and is not in the others' way.</summary>
    public static readonly TimeSpan Behind = TimeSpan.FromSeconds(3);

    private TimeSpan? _first;

    public Subject Subject => subject;

    public WarmUp WarmUp => warmUp;

    public List<Load> Loads { get; } = [];

    /// <summary>For one request, of each turn.</summary>
    public List<TimeSpan> Costs { get; } = [];

    /// <summary>Of the server since its first turn began: what it does in the others' turns is its own, too.</summary>
    public TimeSpan Cpu { get; private set; }

    /// <summary>Of everything but the server, in its turns.</summary>
    public TimeSpan Rest { get; private set; }

    public DatabaseUse Used { get; private set; } = new(TimeSpan.Zero, 0, 0);

    public long LoadedBytes { get; private set; }

    public long ResidentBytes { get; private set; }

    public async Task RunAsync(RequestKind kind, TimeSpan duration, int seed)
    {
        var (cpu, machine, used) = (subject.Server.Cpu, MachineCpu.Total(), await ReadDatabaseAsync());
        _first ??= cpu;
        var load = await Wrk.MeasureAsync(subject.At.Address, subject.Requests(kind), kind, duration, warmUp.Answered + kind.Connections, seed);
        LoadedBytes = subject.Server.ResidentBytes;
        await Task.Delay(Behind, TimeProvider.System);
        ResidentBytes = subject.Server.ResidentBytes;
        var own = subject.Server.Cpu;
        Cpu = own - _first.Value;
        Rest += MachineCpu.Total() - machine - (own - cpu);
        Used = used is null ? Used : Used.Plus((await ReadDatabaseAsync())!.Since(used));
        Costs.Add((own - cpu) / load.Answered);
        Loads.Add(load);
        subject.Count(kind, load.Answered, stops: 1);
    }

    private async Task<DatabaseUse?> ReadDatabaseAsync() => subject.At.Database is { } database ? await DatabaseUse.ReadAsync(database) : null;
}
