namespace TokenVault.Benchmarks.Scaling;

/// <summary>Servers on one database, and those who call them.</summary>
internal sealed class Cluster
{
    private const ulong Seed = 20_260_101;
    private const double WarmUp = 0.8;

    private readonly SimulatedClock _clock = new();
    private readonly Dice _dice = new(Seed);
    private readonly List<SimulatedNode> _nodes = [];
    private readonly List<double> _exchanges = [];
    private readonly List<double> _refreshes = [];
    private readonly SimulatedDatabase _database;
    private readonly SimulatedChain _chain;
    private readonly Places? _shared;

    /// <param name="processors">When servers, database and callers share one machine, as the suite's do: how many it has.</param>
    public Cluster(Scenario scenario, Model model, int? processors = null)
    {
        _shared = processors is { } own ? new Places(_clock, own) : null;
        var journey = _shared is null ? scenario.Journey : 0;
        _database = new SimulatedDatabase(_clock, _shared ?? new Places(_clock, scenario.DatabaseProcessors), scenario.Flush ?? model.Flush, journey);
        for (var i = 0; i < scenario.Nodes / scenario.Deployments; i++)
        {
            var node = new SimulatedNode(_clock, _shared ?? new Places(_clock, scenario.NodeProcessors), _database, model);
            node.Changed = () => Tell(node, scenario.Notice);
            _nodes.Add(node);
        }

        _chain = new SimulatedChain(_clock, _database, _nodes[0].Processors, scenario.ChainedRow);
        _ = _chain.RunAsync();
    }

    /// <summary>Many callers who do not wait for each other.</summary>
    public Outcome Run(Scenario scenario, double perSecond, double remembered)
    {
        _ = CallAsync(scenario, perSecond, remembered);
        return Measure(Math.Clamp(30_000 / perSecond, 1, 8), remembered);
    }

    /// <summary>As the load generator does it: so many callers, each with its next request as soon as the last is answered.</summary>
    /// <param name="rest">Seconds of CPU of the caller, and of the provider, for each request.</param>
    public Outcome RunClosed(int callers, double rest, bool remembered, bool refresh)
    {
        for (var i = 0; i < callers; i++)
        {
            _ = RepeatAsync(rest, remembered, refresh ? 0 : null);
        }

        return Measure(seconds: 2, remembered ? 1 : 0);
    }

    private Outcome Measure(double seconds, double remembered)
    {
        _clock.RunUntil(WarmUp);
        _exchanges.Clear();
        _refreshes.Clear();
        foreach (var places in _nodes.SelectMany(node => (Places[])[node.Processors, node.Pool, node.Gate]).Concat([_database.Processors, _database.Notifying, _chain.Work]))
        {
            places.Reset();
        }

        _database.Commits = 0;
        _clock.RunUntil(WarmUp + seconds);
        _exchanges.Sort();
        _refreshes.Sort();
        return new Outcome
        {
            PerSecond = (_exchanges.Count + _refreshes.Count) / seconds,
            RefreshesPerSecond = _refreshes.Count / seconds,
            P50 = Percentile(_exchanges, 0.5),
            P99 = Percentile(_exchanges, 0.99),
            RefreshP99 = Percentile(_refreshes, 0.99),
            Remembered = remembered,
            CommitsPerSecond = _database.Commits / seconds,
            Connections = _nodes.Max(node => node.Pool.Most),
            NodeCpu = _nodes.Average(node => node.Processors.Share),
            DatabaseCpu = _database.Processors.Share,
            Notifying = _database.Notifying.Share,
            Gate = _nodes.Average(node => node.Gate.Share),
            Chain = _chain.Work.Share,
        };
    }

    private async Task CallAsync(Scenario scenario, double perSecond, double remembered)
    {
        while (true)
        {
            await _clock.PassAsync(_dice.Pause(perSecond));
            double? provider = _dice.Next() < scenario.Workload.RefreshShare ? _dice.About(scenario.Provider) : null;
            _ = ExchangeAsync(_nodes[_dice.Next(_nodes.Count)], _dice.Next() < remembered, provider);
        }
    }

    private async Task RepeatAsync(double rest, bool remembered, double? provider)
    {
        while (true)
        {
            await _shared!.UseAsync(_dice.About(rest));
            await ExchangeAsync(_nodes[0], remembered, provider);
        }
    }

    private async Task ExchangeAsync(SimulatedNode node, bool remembered, double? provider)
    {
        var since = _clock.Now;
        await node.ExchangeAsync(remembered, provider, _dice);

        // A refresh has an audit row of its own.
        _chain.Waiting += provider is null ? 1 : 2;
        (provider is null ? _exchanges : _refreshes).Add(_clock.Now - since);
    }

    private void Tell(SimulatedNode from, double notice)
    {
        foreach (var node in _nodes)
        {
            if (node != from)
            {
                _ = node.Processors.UseAsync(notice);
            }
        }
    }

    private static double Percentile(List<double> sorted, double share) => sorted.Count == 0 ? 0 : sorted[(int)(sorted.Count * share)];
}
