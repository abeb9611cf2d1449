using TokenVault.Server.Diagnostics;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>
/// Saves what a provider gave until it is saved: in the store, or, while that is away, in the spool. Giving up would lose the grant.
/// </summary>
internal sealed class RefreshSaver(RefreshLanding landing, RefreshSpool spool, TimeProvider time, ILogger<RefreshSaver> logger) : IDisposable
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>A store that serves is done long before; one that hangs would leave the only copy in memory until its connection's time is up.</summary>
    private static readonly TimeSpan Promptness = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _stopping = new();

    /// <summary>From now on, what is safe in the spool waits there for the next start.</summary>
    public Task StopAsync() => _stopping.CancelAsync();

    public void Dispose() => _stopping.Dispose();

    public async Task<RefreshResult> SaveAsync(SpooledAnswer answer, RefreshLease? lease)
    {
        var pause = TimeSpan.FromMilliseconds(50);
        int? slot = null;
        while (true)
        {
            try
            {
                var landed = landing.LandAsync(answer, lease);
                if (slot is null && !await IsPromptAsync(landed))
                {
                    slot = spool.Write(answer);
                }

                var result = await landed;
                if (slot is { } used)
                {
                    spool.Clear(used);
                }

                return result;
            }
            catch (Exception e)
            {
                Log.RefreshNotSaved(logger, e, answer.Claimed.Id);
                slot ??= spool.Write(answer);
                if (slot is { } kept && Rests(e) is { } resting)
                {
                    spool.Leave(kept);
                    return resting;
                }
            }

            // A stop cuts the pause short only once: with no room in the spool, the store is the only way.
            var woken = _stopping.IsCancellationRequested ? CancellationToken.None : _stopping.Token;
            await Task.Delay(pause, time, woken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task<bool> IsPromptAsync(Task landed)
    {
        using var over = new CancellationTokenSource();
        var first = await Task.WhenAny(landed, Task.Delay(Promptness, time, over.Token));
        await over.CancelAsync();
        return first == landed;
    }

    /// <summary>One try for everything that an earlier run of this node, or another node's spool file put in its place, left behind.</summary>
    public async Task DrainAsync()
    {
        foreach (var (slot, answer) in spool.Leftovers())
        {
            try
            {
                await landing.LandAsync(answer, lease: null);
                spool.Clear(slot);
            }
            catch (Exception e)
            {
                // One answer that cannot be placed does not stand in the way of the others.
                Log.RefreshNotSaved(logger, e, answer.Claimed.Id);
                spool.Renew(slot, answer);
            }
        }
    }

    /// <summary>Whether another refresh token has taken the place of the refused one.</summary>
    public Task<bool> UseSpareAsync(Tokenset refused, RefreshLease lease) => landing.UseSpareAsync(refused, lease);

    /// <summary>What to tell the callers of an answer that waits in the spool from now on; null when saving is to go on.</summary>
    private RefreshResult? Rests(Exception problem)
    {
        if (problem is CorruptRecordException corruption)
        {
            return RefreshResult.Corrupt(corruption);
        }

        return _stopping.IsCancellationRequested ? RefreshResult.Unavailable("the server is stopping", retryAfter: null) : null;
    }
}
