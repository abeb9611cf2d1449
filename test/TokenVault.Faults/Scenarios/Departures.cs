using TokenVault.Faults.Checks;
using TokenVault.Faults.Nodes;
using TokenVault.Faults.World;

namespace TokenVault.Faults.Scenarios;

/// <summary>Users who disconnect an account while it is being refreshed: it never returns (I5), and the provider is told (I6).</summary>
internal sealed class Departures(VaultWorld world, Ledger ledger, RoundCheck check)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<string> _gone = [];

    public int Count => _gone.Count;

    /// <param name="node">Where the refresh runs.</param>
    public async Task DepartAsync(Grant grant, NodeProcess node)
    {
        await world.ExpireAsync(grant);
        var refresh = node.IsRunning ? world.Callers.ExchangeAsync(node, grant) : Task.CompletedTask;
        if (await world.Callers.DisconnectAsync(grant) is not 204 and var status)
        {
            ledger.Misses.Enqueue($"{grant} was not disconnected: {status}");
        }

        await refresh;
        var outcome = await check.SettleAsync(grant);
        if (outcome.Kind != ExchangeKind.NotConnected)
        {
            ledger.Violations.Enqueue($"I5 {grant} was disconnected, and the exchange answered {outcome.Text}");
        }

        await UntilRevokedAsync(grant);
        lock (_gone)
        {
            _gone.Add(grant.TokensetId);
        }
    }

    /// <summary>At the end: none has come back.</summary>
    public async Task CheckAsync()
    {
        foreach (var tokenset in _gone)
        {
            if (await world.Storage.FindAsync(Server.Tokensets.Tokenset.Kind, tokenset, CancellationToken.None) is not null)
            {
                ledger.Violations.Enqueue($"I5 the disconnected tokenset {tokenset} is back");
            }
        }
    }

    /// <summary>Whatever the provider still honours is on its way to be revoked, and then is.</summary>
    private async Task UntilRevokedAsync(Grant grant)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (grant.AllCalls.Any(call => call.EndedAt == 0 && !call.IsGone) || LiveTokens(grant).Any())
        {
            if (TimeProvider.System.GetElapsedTime(since) > Patience)
            {
                ledger.Violations.Enqueue($"I6 the provider still honours a refresh token of {grant}, which was disconnected\n{check.Story(grant)}");
                return;
            }

            await Scene.WaitAsync(TimeSpan.FromMilliseconds(20));
        }
    }

    private static IEnumerable<string> LiveTokens(Grant grant) =>
        grant.Provider.Fake.Commits
            .Where(commit => commit.GrantId == grant.Upstream)
            .Select(commit => commit.RefreshToken!)
            .Where(grant.Provider.Engine.Honours);
}
