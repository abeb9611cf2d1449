using System.Collections.Concurrent;
using TokenVault.Faults.Checks;
using TokenVault.Faults.Nodes;
using TokenVault.Faults.World;

namespace TokenVault.Faults.Scenarios;

/// <summary>
/// Grants to do things to. One that was in a round is followed to its outcome beside the rounds that come after, because some
/// classes wait long; it comes back when it is settled, and one that was lost when it has been connected anew.
/// </summary>
internal sealed class GrantPool(VaultWorld world, RoundCheck check)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly ConcurrentDictionary<RotationProvider, ConcurrentQueue<Grant>> _free = new(
        world.Callers.Grants.GroupBy(grant => grant.Provider).ToDictionary(group => group.Key, group => new ConcurrentQueue<Grant>(group)));

    private readonly ConcurrentQueue<Grant> _lost = new();
    private readonly ConcurrentDictionary<Task, bool> _following = new();
    private int _attempts;

    /// <summary>A settled grant of this class, if there is one now.</summary>
    public Grant? TryTake(RotationProvider provider) => _free[provider].TryDequeue(out var grant) ? grant : null;

    /// <summary>A settled grant of this class; waits for one, unless one of another class will do.</summary>
    public async Task<Grant> TakeAsync(RotationProvider provider, bool orOther)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            await ReconnectAsync();
            if ((TryTake(provider) ?? (orOther ? world.Providers.Select(TryTake).FirstOrDefault(other => other is not null) : null)) is { } grant)
            {
                return grant;
            }

            await ThrowFailuresAsync();
            if (TimeProvider.System.GetElapsedTime(since) > Patience)
            {
                throw new FaultsException($"No grant of class {provider.Class} has settled in {Patience.TotalMinutes} min.");
            }

            await Scene.WaitAsync(TimeSpan.FromMilliseconds(20));
        }
    }

    /// <summary>Follows the grant once the round's own work on it is over.</summary>
    public void Follow(Grant grant, Task round)
    {
        var following = FollowAsync(grant, round);
        _following[following] = true;
    }

    /// <summary>Asks the other nodes until they know; for a round in which one stands still.</summary>
    public Task SettleBesideAsync(Grant grant, NodeProcess still) => check.SettleAsync(grant, except: still);

    public void Lose(Grant grant) => _lost.Enqueue(grant);

    /// <summary>Returns when all are settled, and throws what went wrong with any.</summary>
    public async Task SettleAsync()
    {
        await Task.WhenAll(_following.Keys);
        await ReconnectAsync();
    }

    private async Task FollowAsync(Grant grant, Task round)
    {
        await round;
        if (await check.FollowAsync(grant))
        {
            _free[grant.Provider].Enqueue(grant);
            return;
        }

        _lost.Enqueue(grant);
    }

    private async Task ThrowFailuresAsync()
    {
        foreach (var ended in _following.Keys.Where(following => following.IsCompleted))
        {
            _following.TryRemove(ended, out _);
            await ended;
        }
    }

    /// <summary>The set-up's address is the first node's, which may be starting.</summary>
    private async Task ReconnectAsync()
    {
        while (_lost.TryPeek(out var lost))
        {
            if (!await world.Callers.IsReadyAsync(world.Nodes[0]))
            {
                await Scene.WaitAsync(TimeSpan.FromMilliseconds(20));
                continue;
            }

            // By the fast clock the provider's answer may come too late; then a user tries again.
            try
            {
                await world.Callers.ConnectAsync(lost);
            }
            catch (FaultsException) when (_attempts++ < 100)
            {
                continue;
            }

            _lost.TryDequeue(out _);
            _free[lost.Provider].Enqueue(lost);
        }
    }
}
