using System.Globalization;
using TokenVault.Faults.Checks;
using TokenVault.Faults.World;
using TokenVault.Testing;

namespace TokenVault.Faults.Scenarios;

/// <summary>
/// Providers in trouble: errors, limits, silence, slowness, pages of HTML (F-12 to F-14). Callers are told to try again later, nobody is
/// told to connect anew, and afterwards all goes on with the same grant.
/// </summary>
internal sealed class ProviderScenario
{
    /// <summary>By the nodes' clock: after what callers wait for, and before what a single-use provider is waited for.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(100);

    private static readonly TimeSpan RatherLate = TimeSpan.FromSeconds(11);
    private static readonly TimeSpan TroubleTime = TimeSpan.FromMilliseconds(400);

    private readonly Scene _scene;
    private readonly VaultWorld _world;
    private readonly RoundCheck _check;
    private readonly AuditTrail _audit;
    private int _demanded;

    private ProviderScenario(Scene scene, VaultWorld world)
    {
        (_scene, _world) = (scene, world);
        _audit = new AuditTrail(world.Storage);
        _check = new RoundCheck(world, scene.Ledger, _audit);
    }

    public static async Task RunAsync(Scene scene)
    {
        await using var world = await scene.WorldAsync(new WorldPlan(Nodes: 2, Math.Min(2, scene.Sizes.Users), Factor: 20));
        var scenario = new ProviderScenario(scene, world);
        try
        {
            await scenario.RunAsync();
        }
        catch (Exception e)
        {
            throw new FaultsException($"{e}\n{world.Errors}");
        }
    }

    private static IEnumerable<(string Name, Fault Fault)> Troubles(FastFaults faults) =>
    [
        ("500", Fault.Status(500)),
        ("429", Fault.TooManyRequests("10")),
        ("HTML", Fault.Html()),
        ("timeout", faults.Silent),
        ("503 in HTML", Fault.Html(503)),
        ("429 with a date", faults.TooManyRequestsUntil),
        ("temporarily_unavailable", Fault.Error(503, "temporarily_unavailable")),
        ("invalid_client", Fault.Error(401, "invalid_client")),
        ("connection cut", Fault.Cut()),
        ("half a JSON text", Fault.TruncatedJson()),
    ];

    private async Task RunAsync()
    {
        var ledger = _scene.Ledger;
        var faults = new FastFaults(_world.Clock);
        for (var round = 0; round < _scene.Sizes.ProviderRounds; round++)
        {
            // Providers do not know of each other: each goes through its own troubles.
            var troubles = Troubles(faults).Take(_scene.Sizes.WithGoals ? int.MaxValue : 4).ToList();
            await Task.WhenAll(_world.Providers.Select(provider => SufferAsync(provider, troubles)));
            await Task.WhenAll(_world.Providers.Select(SufferSlownessAsync));
            _scene.Round(_scene.Sizes.ProviderRounds);
        }

        await _audit.ReadOnAsync();
        if (_demanded > 0 || !_audit.Died.IsEmpty)
        {
            ledger.Misses.Enqueue($"{_demanded} callers were told to connect anew, {_audit.Died.Count} tokensets were given up");
        }

        ledger.Notes.Enqueue(string.Create(CultureInfo.InvariantCulture, $"reconnects demanded: {_demanded}"));
    }

    private async Task SufferAsync(RotationProvider provider, List<(string Name, Fault Fault)> troubles)
    {
        var grant = _world.Callers.Grants.First(grant => grant.Provider == provider);
        foreach (var (name, fault) in troubles)
        {
            provider.Fake.Refresh.Always(fault);
            await _world.ExpireAsync(grant);
            await AskForAWhileAsync(grant, name);
            provider.Fake.Refresh.Always(null);
            await FollowAsync(grant, name);
        }
    }

    /// <summary>An answer that comes late is an answer, as long as it comes in the time of its class.</summary>
    private async Task SufferSlownessAsync(RotationProvider provider)
    {
        var grant = _world.Callers.Grants.Last(grant => grant.Provider == provider);
        var late = provider.LosesUnreceivedAnswers ? Late : RatherLate;
        provider.Fake.Refreshes.At = (_, stage, cancellationToken) => stage == FakeRefreshStage.Committed
            ? Task.Delay(_world.Clock.Shorter(late), TimeProvider.System, cancellationToken)
            : Task.CompletedTask;
        await _world.ExpireAsync(grant);
        await AskForAWhileAsync(grant, "slow");
        await FollowAsync(grant, "slow");
        provider.Fake.Refreshes.At = null;
    }

    private async Task AskForAWhileAsync(Grant grant, string trouble)
    {
        for (var since = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(since) < TroubleTime;)
        {
            foreach (var node in _world.Nodes)
            {
                var outcome = await _world.Callers.ExchangeAsync(node, grant);
                if (outcome.Kind is not (ExchangeKind.Unavailable or ExchangeKind.Token))
                {
                    Interlocked.Increment(ref _demanded);
                    _scene.Ledger.Misses.Enqueue($"{trouble}: {grant} was answered {outcome.Text}");
                }
            }
        }
    }

    private async Task FollowAsync(Grant grant, string trouble)
    {
        if (!await _check.FollowAsync(grant))
        {
            Interlocked.Increment(ref _demanded);
            throw new FaultsException($"{grant} did not survive: {trouble}");
        }
    }
}
