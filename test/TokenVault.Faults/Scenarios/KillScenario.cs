using System.Globalization;
using TokenVault.Faults.Checks;
using TokenVault.Faults.Nodes;
using TokenVault.Faults.World;

namespace TokenVault.Faults.Scenarios;

/// <summary>
/// kill −9 of one node after another, at each named point of a refresh and at random ones, over the rotation classes (F-01 to F-04);
/// between them users who disconnect in the middle of a refresh (F-35).
/// </summary>
internal sealed class KillScenario
{
    private const double LongestWindow = 10;
    private const int Slowness = 80;

    private static readonly TimeSpan PointPatience = TimeSpan.FromSeconds(3);

    private readonly Scene _scene;
    private readonly VaultWorld _world;
    private readonly RoundCheck _check;
    private readonly GrantPool _pool;
    private readonly ProviderTrap _trap;
    private readonly Dictionary<NodeProcess, Task> _restarts;
    private readonly Departures _departures;
    private readonly Dictionary<FaultPoint, int> _hits = [];

    private KillScenario(Scene scene, VaultWorld world)
    {
        (_scene, _world) = (scene, world);
        var audit = new AuditTrail(world.Storage);

        // Where times are not judged, tests run beside, and a process that has just started may take its time.
        _check = new RoundCheck(world, scene.Ledger, audit) { LongestLanding = scene.Sizes.WithGoals ? TimeSpan.FromMilliseconds(500) : TimeSpan.FromSeconds(5) };
        _pool = new GrantPool(world, _check);
        _trap = new ProviderTrap(world, scene, Slowness);
        _restarts = world.Nodes.ToDictionary(node => node, _ => Task.CompletedTask);
        _departures = new Departures(world, scene.Ledger, _check);
    }

    public static async Task RunAsync(Scene scene)
    {
        await using var world = await scene.WorldAsync(new WorldPlan(Nodes: 3, scene.Sizes.Users, Factor: 20));
        var scenario = new KillScenario(scene, world);
        try
        {
            await scenario.RunAsync();
        }
        catch (Exception e)
        {
            throw new FaultsException($"{e}\n{world.Errors}");
        }
    }

    private async Task RunAsync()
    {
        var ledger = _scene.Ledger;
        var points = Enum.GetValues<FaultPoint>();
        for (var cycle = 0; cycle < _scene.Sizes.Kills; cycle++)
        {
            // Each class meets each point: the number of classes and that of points have no common divisor.
            await KillAsync(cycle, points[cycle % points.Length], _world.Providers[cycle % _world.Providers.Count]);
            _scene.Round(_scene.Sizes.Kills);
        }

        await Task.WhenAll(_restarts.Values);
        await _pool.SettleAsync();
        await _departures.CheckAsync();
        var young = CrashWindows.Measure(_world, _world.Callers.Grants).Order().ToList();
        await CrashWindows.MeasureSteadyAsync(_world, ledger, 2 * _scene.Sizes.Kills);
        if (_scene.Sizes.WithGoals && !(ledger.Percentile(99) <= LongestWindow))
        {
            ledger.Misses.Enqueue("the crash window's p99 is longer than 10 ms");
        }

        ledger.Reached(_hits);
        ledger.Notes.Enqueue(string.Create(
            CultureInfo.InvariantCulture, $"crash window in processes that had just started: p50 {young[young.Count / 2]:F1} ms of {young.Count}"));
        ledger.Notes.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{_departures.Count} accounts disconnected in the middle of a refresh"));
    }

    private async Task KillAsync(int cycle, FaultPoint point, RotationProvider target)
    {
        var victim = _world.Nodes[cycle % _world.Nodes.Count];
        await RestartedAsync(victim);
        var grants = new List<Grant> { await _pool.TakeAsync(target, orOther: !_scene.Sizes.WithGoals) };
        if (cycle % 2 == 1)
        {
            grants.AddRange(_world.Providers.Where(provider => provider != target).Select(_pool.TryTake).OfType<Grant>());
        }

        if (cycle % 10 == 7)
        {
            await _restarts[_world.Nodes[0]];
            var leaving = await _pool.TakeAsync(target, orOther: true);
            await _departures.DepartAsync(leaving, _world.Nodes[1 + (cycle % 2)]);
            _pool.Lose(leaving);
        }

        await Task.WhenAll(grants.Select(_world.ExpireAsync));
        Arm(victim, point);

        // In every fourth cycle the other nodes are asked as well.
        var asked = _world.Nodes.Where(node => node == victim || (cycle % 4 == 3 && node.IsRunning)).ToList();
        var calls = grants.ToDictionary(grant => grant, grant => Task.WhenAll(asked.Select(node => _world.Callers.ExchangeAsync(node, grant))));
        await DieAsync(victim, point, Task.WhenAll(calls.Values));
        _restarts[victim] = victim.StartAsync();
        foreach (var grant in grants)
        {
            _pool.Follow(grant, calls[grant]);
        }
    }

    /// <summary>
    /// Where times are judged, processes that start do not take the others' processors: a fleet that restarts one node is measured, not
    /// one that does nothing but restart.
    /// </summary>
    private Task RestartedAsync(NodeProcess victim) => _scene.Sizes.WithGoals ? Task.WhenAll(_restarts.Values) : _restarts[victim];

    private void Arm(NodeProcess victim, FaultPoint point)
    {
        if (ProviderTrap.StageOf(point) is { } stage)
        {
            _ = _trap.Arm(victim, stage, FaultAct.Kill);
            return;
        }

        if (point != FaultPoint.Anywhere)
        {
            victim.ArmKill(point);
        }
    }

    /// <summary>When others have done the work, so that the victim never came to its point, it dies all the same.</summary>
    private async Task DieAsync(NodeProcess victim, FaultPoint point, Task calls)
    {
        if (point == FaultPoint.Anywhere)
        {
            await Scene.WaitAsync(_scene.UpTo(2 * Slowness));
        }
        else if (await victim.EndsWithinAsync(PointPatience, calls))
        {
            _hits[point] = _hits.GetValueOrDefault(point) + 1;
        }

        _trap.Disarm(victim);
        await victim.KillAsync();
    }
}
