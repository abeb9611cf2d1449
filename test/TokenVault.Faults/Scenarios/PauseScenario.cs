using TokenVault.Faults.Checks;
using TokenVault.Faults.Nodes;
using TokenVault.Faults.World;

namespace TokenVault.Faults.Scenarios;

/// <summary>
/// SIGSTOP for longer than the lease, at each named point and at random ones, while the other nodes are asked for the same tokenset
/// (F-05). Whoever wakes with an answer has to bring it home, and whoever wakes without having sent must not send.
/// </summary>
internal sealed class PauseScenario
{
    private const int Slowness = 80;

    /// <summary>By the nodes' clock; the lease is 30 s.</summary>
    private static readonly TimeSpan[] Lengths = [TimeSpan.FromSeconds(35), TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(90)];

    private static readonly TimeSpan PointPatience = TimeSpan.FromSeconds(3);

    private readonly Scene _scene;
    private readonly VaultWorld _world;
    private readonly GrantPool _pool;
    private readonly ProviderTrap _trap;
    private readonly Dictionary<FaultPoint, int> _hits = [];
    private int _next;

    private PauseScenario(Scene scene, VaultWorld world)
    {
        (_scene, _world) = (scene, world);
        _pool = new GrantPool(world, new RoundCheck(world, scene.Ledger, new AuditTrail(world.Storage)) { WithPauses = true });
        _trap = new ProviderTrap(world, scene, Slowness);
    }

    public static async Task RunAsync(Scene scene)
    {
        await using var world = await scene.WorldAsync(new WorldPlan(Nodes: 3, scene.Sizes.Users, Factor: 20));
        var scenario = new PauseScenario(scene, world);
        try
        {
            // Two nodes are paused side by side; the third never is.
            await Task.WhenAll(scenario.PauseInTurnAsync(world.Nodes[1]), scenario.PauseInTurnAsync(world.Nodes[2]));
            await scenario._pool.SettleAsync();
        }
        catch (Exception e)
        {
            throw new FaultsException($"{e}\n{world.Errors}");
        }

        scenario.Judge();
    }

    private async Task PauseInTurnAsync(NodeProcess victim)
    {
        var points = Enum.GetValues<FaultPoint>();
        while (Interlocked.Increment(ref _next) - 1 is var turn && turn < _scene.Sizes.Pauses)
        {
            var grant = await _pool.TakeAsync(_world.Providers[turn % _world.Providers.Count], orOther: !_scene.Sizes.WithGoals);
            await PauseAsync(victim, grant, points[turn % points.Length], Lengths[turn % Lengths.Length]);
            _scene.Round(_scene.Sizes.Pauses);
        }
    }

    private async Task PauseAsync(NodeProcess victim, Grant grant, FaultPoint point, TimeSpan length)
    {
        await _world.ExpireAsync(grant);
        var reached = Arm(victim, point);
        var call = _world.Callers.ExchangeAsync(victim, grant);
        if (point == FaultPoint.Anywhere)
        {
            await Scene.WaitAsync(_scene.UpTo(2 * Slowness));
        }
        else
        {
            await Task.WhenAny(reached, call, Scene.WaitAsync(PointPatience));
            Count(point, reached.IsCompleted);
        }

        _trap.Disarm(victim);
        victim.Stop();

        // The others are asked all the while, and find out on their own.
        var others = _pool.SettleBesideAsync(grant, victim);
        await Scene.WaitAsync(_world.Clock.Shorter(length));
        victim.Continue();
        _pool.Follow(grant, Task.WhenAll(call, others));
        await call;
    }

    private Task Arm(NodeProcess victim, FaultPoint point)
    {
        if (ProviderTrap.StageOf(point) is { } stage)
        {
            return _trap.Arm(victim, stage, FaultAct.Stop);
        }

        return point == FaultPoint.Anywhere ? Task.CompletedTask : victim.ArmStop(point);
    }

    private void Count(FaultPoint point, bool reached)
    {
        lock (_hits)
        {
            _hits[point] = _hits.GetValueOrDefault(point) + (reached ? 1 : 0);
        }
    }

    private void Judge()
    {
        var ledger = _scene.Ledger;
        if (ledger.Irreducible > 0)
        {
            ledger.Misses.Enqueue("a pause is no crash: nothing may be lost");
        }

        if (ledger.Duplicates > ledger.Rounds)
        {
            ledger.Misses.Enqueue("more duplicates than pauses");
        }

        ledger.Reached(_hits);
    }
}
