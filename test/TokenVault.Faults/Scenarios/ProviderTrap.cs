using TokenVault.Faults.Nodes;
using TokenVault.Faults.World;
using TokenVault.Testing;

namespace TokenVault.Faults.Scenarios;

/// <summary>
/// Every refresh takes a little while, as at a real provider; and the next one by a chosen process is that process's last, or the
/// one in which it stands still.
/// </summary>
internal sealed class ProviderTrap
{
    private readonly VaultWorld _world;
    private readonly Scene _scene;
    private readonly int _slowness;
    private readonly Lock _gate = new();
    private readonly Dictionary<NodeProcess, (FakeRefreshStage Stage, FaultAct Act, TaskCompletionSource Sprung)> _armed = [];

    /// <param name="slowness">How many milliseconds a provider takes at most.</param>
    public ProviderTrap(VaultWorld world, Scene scene, int slowness)
    {
        (_world, _scene, _slowness) = (world, scene, slowness);
        foreach (var provider in world.Providers)
        {
            provider.Fake.Refreshes.At = ReachAsync;
        }
    }

    /// <summary>Null for a point that is not at the provider.</summary>
    public static FakeRefreshStage? StageOf(FaultPoint point) => point switch
    {
        FaultPoint.Asked => FakeRefreshStage.Asked,
        FaultPoint.Committed => FakeRefreshStage.Committed,
        FaultPoint.HalfAnswered => FakeRefreshStage.HalfAnswered,
        _ => null,
    };

    /// <returns>Done when it has sprung.</returns>
    public Task Arm(NodeProcess node, FakeRefreshStage stage, FaultAct act)
    {
        lock (_gate)
        {
            var sprung = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _armed[node] = (stage, act, sprung);
            return sprung.Task;
        }
    }

    public void Disarm(NodeProcess node)
    {
        lock (_gate)
        {
            _armed.Remove(node);
        }
    }

    private async Task ReachAsync(FakeRefresh call, FakeRefreshStage stage, CancellationToken cancellationToken)
    {
        if (stage is FakeRefreshStage.Asked or FakeRefreshStage.Committed)
        {
            await Task.Delay(_scene.UpTo(_slowness / 2), TimeProvider.System, cancellationToken);
        }

        lock (_gate)
        {
            if (_world.NodeOf(call.Caller) is { } node && _armed.TryGetValue(node, out var armed) && armed.Stage == stage && node.IsRunning)
            {
                _armed.Remove(node);
                if (armed.Act == FaultAct.Kill)
                {
                    node.KillNow();
                }
                else
                {
                    node.Stop();
                }

                armed.Sprung.TrySetResult();
            }
        }
    }
}
