using System.Collections.Concurrent;
using TokenVault.Server.Connections;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Refreshes a tokenset at its provider: once, for all who wait for it here, and by one node at a time; to the end, whoever of the
/// callers leaves. The order of the steps is the safety of the grant:
/// read again → claim (lease and intent, one commit) → self-fence → send once → land (receipt, tokens and audit, one commit).
/// </summary>
internal sealed class TokensetRefresher(
    IStorage storage, RefreshCall call, RefreshWait others, RefreshSaver saver, TimeProvider time, ILogger<TokensetRefresher> logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan CallersPatience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, Lazy<Task<RefreshResult>>> _running = new(StringComparer.Ordinal);
    private readonly string _node = Identifier.Secret();
    private volatile bool _stopping;

    /// <summary>The refreshed tokenset, or why there is none. Cancelling detaches the caller only (T-RC-03).</summary>
    public async ValueTask<RefreshResult> RefreshAsync(Tokenset stale, Connection connection, CancellationToken cancellationToken)
    {
        var running = _running.GetOrAdd(
            stale.Id,
            id => new Lazy<Task<RefreshResult>>(() => Task.Run(() => RunAsync(stale, connection), CancellationToken.None)));
        try
        {
            return await running.Value.WaitAsync(CallersPatience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return RefreshResult.Unavailable("the provider is slow; the refresh goes on", retryAfter: null);
        }
    }

    /// <summary>Goes on with an attempt that has no outcome; not with one that is still under way, here or on another node.</summary>
    public async Task FollowUpAsync(Tokenset open, Connection connection, CancellationToken cancellationToken)
    {
        if (_running.ContainsKey(open.Id))
        {
            return;
        }

        if (open.Attempt is { Left: true } || await TakeOverAsync(open) == CommitOutcome.Committed)
        {
            await RefreshAsync(open, connection, cancellationToken);
        }
    }

    /// <summary>A stopping server finishes the refreshes that it has sent, and sends none of those that wait for their turn.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        await saver.StopAsync();

        // A request that outlives the server's patience may begin one more while the others end.
        while (!_running.IsEmpty)
        {
            var running = _running.Values.Select(refresh => refresh.Value).ToArray();
            await ((Task)Task.WhenAll(running)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<RefreshResult> RunAsync(Tokenset stale, Connection connection)
    {
        try
        {
            var since = time.GetTimestamp();
            while (true)
            {
                var step = await StepAsync(stale, connection);
                if (step.Result is { } result)
                {
                    return result;
                }

                // Somebody else is at it, or a spare has taken the dead token's place: look again.
                if (step.WaitFor is { } theirs && !await others.UntilMovedAsync(theirs, since))
                {
                    return RefreshResult.Unavailable("another node is refreshing", retryAfter: null);
                }
            }
        }
        catch (CorruptRecordException e)
        {
            return RefreshResult.Corrupt(e);
        }
        catch (Exception e)
        {
            // What a provider gave is in the spool before anything can get here.
            Log.RefreshBrokenOff(logger, e, stale.Id);
            return RefreshResult.Unavailable("the store is away", retryAfter: null);
        }
        finally
        {
            _running.TryRemove(stale.Id, out _);
        }
    }

    private async Task<(RefreshResult? Result, Tokenset? WaitFor)> StepAsync(Tokenset stale, Connection connection)
    {
        // Read again inside: the one before us may have done the work already.
        var current = await storage.FindAsync<Tokenset>(stale.Id, CancellationToken.None);
        if (current is null)
        {
            return (RefreshResult.Gone(), null);
        }

        var moved = current.Generation != stale.Generation || current.GrantId != stale.GrantId;
        if (current.State != TokensetState.Active || !current.HasRefreshToken || (moved && current.IsUsable(time.GetUtcNow())))
        {
            return (RefreshResult.Of(current), null);
        }

        // An attempt without an outcome: whoever made it may still hold the answer. Wait as long as the provider's ways demand.
        if (current.Attempt is { } open)
        {
            var notBefore = call.NotBefore(open, connection);
            if (notBefore is null)
            {
                return (null, await TakeOverAsync(current) == CommitOutcome.LeaseConflict ? current : null);
            }

            if (notBefore > time.GetUtcNow())
            {
                return (RefreshResult.Unavailable("an earlier refresh is in doubt", notBefore - time.GetUtcNow()), null);
            }
        }

        using var place = await call.EnterAsync(connection);
        if (_stopping)
        {
            return (RefreshResult.Unavailable("the server is stopping", retryAfter: null), null);
        }

        if (call.Paused(connection) is { } pause)
        {
            return (RefreshResult.Unavailable("the provider asked to be left alone", pause), null);
        }

        return await ClaimAndSendAsync(current, connection);
    }

    /// <summary>As an owner of its own: a lease of this node's that is alive is respected too.</summary>
    private Task<CommitOutcome> TakeOverAsync(Tokenset open) => call.TakeOverAsync(open, new RefreshLease(storage, open.Id, Identifier.Secret(), time));

    private async Task<(RefreshResult? Result, Tokenset? WaitFor)> ClaimAndSendAsync(Tokenset current, Connection connection)
    {
        var refreshToken = call.RefreshTokenOf(current);
        var lease = new RefreshLease(storage, current.Id, _node, time);
        return await call.ClaimAsync(current, Identifier.Secret(), lease) switch
        {
            CommitOutcome.Committed => (await call.SendAsync(connection, refreshToken, lease), null),
            CommitOutcome.LeaseConflict => (null, current),
            _ => (null, null),
        };
    }
}
