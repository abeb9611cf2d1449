using TokenVault.Faults.Nodes;
using TokenVault.Faults.World;
using TokenVault.Testing;

namespace TokenVault.Faults.Checks;

/// <summary>
/// Follows one expired tokenset through what a round did to it: asks until there is an answer, classes a loss, and holds what the store
/// and the provider have against the invariants.
/// </summary>
internal sealed class RoundCheck(VaultWorld world, Ledger ledger, AuditTrail audit)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(15);

    /// <summary>A process that had the whole answer for so long before it was killed has to have stored it.</summary>
    public TimeSpan LongestLanding { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Processes were made to stand still: overlapping calls may happen.</summary>
    public bool WithPauses { get; init; }

    /// <summary>False when the grant is lost and has to be connected anew.</summary>
    public async Task<bool> FollowAsync(Grant grant)
    {
        var outcome = await SettleAsync(grant);
        var problems = await CalmProblemsAsync(grant, outcome.Kind);
        foreach (var problem in problems)
        {
            ledger.Violations.Enqueue($"{problem}: {grant}");
        }

        var stored = await StoredTokens.ReadAsync(world, grant);
        var duplicates = Duplicates(grant, stored);
        ledger.Followed(grant.Calls.Count, duplicates);
        if (duplicates > 0)
        {
            ledger.Notes.Enqueue($"{duplicates} duplicate: {grant}\n{Story(grant)}");
        }

        foreach (var given in grant.Given)
        {
            CheckGiven(grant, given);
        }

        if (outcome.Kind == ExchangeKind.Token)
        {
            return true;
        }

        Class(grant, stored, outcome);
        return false;
    }

    /// <summary>Exchanges at any node until the vault knows where it stands.</summary>
    public async Task<ExchangeOutcome> SettleAsync(Grant grant, NodeProcess? except = null)
    {
        var random = new Random(grant.TokensetId.GetHashCode(StringComparison.Ordinal));
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var running = world.Nodes.Where(node => node.IsRunning && node != except).ToList();
            var outcome = running.Count == 0
                ? new ExchangeOutcome(ExchangeKind.NoAnswer, "no node runs")
                : await world.Callers.ExchangeAsync(running[random.Next(running.Count)], grant);
            if (outcome.Kind is not (ExchangeKind.Unavailable or ExchangeKind.NoAnswer))
            {
                return outcome;
            }

            if (TimeProvider.System.GetElapsedTime(since) > Patience)
            {
                throw new FaultsException($"{grant} has no outcome after {Patience.TotalSeconds} s; the last answer was {outcome.Text}\n{Story(grant)}");
            }

            await Task.Delay(Pause, TimeProvider.System);
        }
    }

    /// <summary>What the provider saw, for a failure's text.</summary>
    public string Story(Grant grant) => string.Join('\n', grant.Calls.Select(call =>
        $"   call at {Milliseconds(call.BeganAt)} by {call.Caller}, generation {call.Commit?.Generation.ToString() ?? "none"}, "
        + $"committed {Milliseconds(call.CommittedAt)}, answered {Milliseconds(call.AnsweredAt)}, ended {Milliseconds(call.EndedAt)}, "
        + $"caller ended {Milliseconds(world.EndOf(call) ?? 0)}"));

    /// <summary>A paused process that has woken may still be bringing its answer home: what is wrong must stay wrong to count.</summary>
    private async Task<List<string>> CalmProblemsAsync(Grant grant, ExchangeKind outcome)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            await audit.ReadOnAsync();
            var stored = await StoredTokens.ReadAsync(world, grant);
            var problems = Problems(grant, outcome, stored).ToList();
            if (problems.Count == 0 || TimeProvider.System.GetElapsedTime(since) > Calm)
            {
                return problems;
            }

            await Task.Delay(Pause, TimeProvider.System);
        }
    }

    private IEnumerable<string> Problems(Grant grant, ExchangeKind outcome, StoredTokens stored)
    {
        var calls = grant.AllCalls;
        if (!WithPauses && calls.FirstOrDefault(call => call.Overlaps && !world.StoodStill(call.BeganAt)) is { } second)
        {
            yield return $"I1 a call at {Milliseconds(second.BeganAt)} overlapped another";
        }

        if (outcome == ExchangeKind.Token)
        {
            if (stored.Current is null || !grant.Provider.Engine.Honours(stored.Current))
            {
                yield return "I2 the provider does not honour the stored refresh token";
            }

            if (calls.LastOrDefault(call => Received(call, stored)) is { Commit.RefreshToken: { } newest } && !stored.Holds(newest))
            {
                yield return "I2 the newest generation that was delivered is not stored";
            }
        }

        var unheld = calls
            .Where(call => Received(call, stored))
            .Select(call => call.Commit!.RefreshToken!)
            .Where(token => !stored.Holds(token) && grant.Provider.Engine.Honours(token) && !calls.Any(call => call.Presented == token));
        if (unheld.Any())
        {
            yield return "I6 a live refresh token that was delivered is held nowhere";
        }

        if (grant.Given.FirstOrDefault(token => !audit.Tells(token, grant.TokensetId)) is not null)
        {
            yield return "I4 an access token was handed out without its audit row";
        }
    }

    private void CheckGiven(Grant grant, string accessToken)
    {
        if (grant.Provider.Engine.CommitOf(accessToken)?.GrantId != grant.Upstream)
        {
            ledger.Violations.Enqueue($"I3 an access token of another grant was handed out: {grant}");
        }
    }

    /// <summary>The answer was delivered to a process that lived to store it.</summary>
    private bool Received(FakeRefresh call, StoredTokens stored) =>
        call.Commit is { } commit && call.AnsweredAt != 0 && (stored.Landed.Contains(commit.AccessToken) || world.EndOf(call) is null);

    private int Duplicates(Grant grant, StoredTokens stored)
    {
        var calls = grant.Calls;
        var duplicates = 0;
        for (var i = 1; i < calls.Count; i++)
        {
            var former = calls[i - 1];
            var formerLived = world.EndOf(former) is not { } end || end > calls[i].BeganAt;

            // A replayed answer is in a receipt for the call that came home, and not for the one before it that did not.
            var replayed = !formerLived && former.Commit is not null && former.Commit == calls[i].Commit;
            duplicates += (calls[i].Overlaps && formerLived) || (Received(former, stored) && !replayed) ? 1 : 0;
        }

        return duplicates;
    }

    private void Class(Grant grant, StoredTokens stored, ExchangeOutcome outcome)
    {
        var lost = grant.AllCalls.LastOrDefault(call => call.Commit is not null);
        if (outcome.Kind == ExchangeKind.ReauthorizationRequired
            && grant.Provider.LosesUnreceivedAnswers
            && lost is { Commit: { } commit }
            && !stored.Landed.Contains(commit.AccessToken)
            && world.EndOf(lost) is { } end
            && (lost.AnsweredAt == 0 || TimeProvider.System.GetElapsedTime(lost.AnsweredAt, end) < LongestLanding))
        {
            ledger.LostIrreducibly();
            return;
        }

        ledger.Avoidable.Enqueue($"{grant}: {outcome.Kind} {outcome.Text}\n{Story(grant)}");
    }

    private static string Milliseconds(long timestamp) =>
        timestamp == 0 ? "never" : $"{TimeProvider.System.GetElapsedTime(0, timestamp).TotalMilliseconds % 10_000_000:F1}";
}
