using TokenVault.Server.Storage;

namespace TokenVault.Server.Tokensets;

/// <summary>The right to call the provider for one tokenset, for a while; kept alive while the call is under way.</summary>
internal sealed class RefreshLease(IStorage storage, string tokensetId, string node, TimeProvider time)
{
    /// <summary>Without a sign of life for this long, another node takes over.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);

    private long _since = time.GetTimestamp();
    private bool _lost;

    public string Name { get; } = "refresh " + tokensetId;

    public long Fence { get; private set; }

    /// <summary>The tokenset as the claim left it; null without one.</summary>
    public Tokenset? Claimed { get; private set; }

    /// <summary>Lease and intent in one commit: nobody sends without having written that they would.</summary>
    public async Task<CommitOutcome> ClaimAsync(Tokenset withAttempt)
    {
        var result = await storage.CommitAsync(new Batch().AcquireLease(Name, node, Duration).Replace(withAttempt));
        Fence = result.Fence;
        Claimed = result.Committed ? withAttempt with { Version = withAttempt.Version + 1 } : null;
        return result.Outcome;
    }

    /// <summary>
    /// Writes only if nobody holds the lease, and takes it for no longer than that: what the row says then is that its owner is gone.
    /// </summary>
    public async Task<CommitOutcome> WriteWhileFreeAsync(Tokenset row) =>
        (await storage.CommitAsync(new Batch().AcquireLease(Name, node, TimeSpan.FromMilliseconds(1)).Replace(row))).Outcome;

    /// <summary>
    /// A process that stood still may have lost the lease without knowing. Half of it gone since the last sign of life means: do not
    /// send any more.
    /// </summary>
    public bool IsTooOldToSend => Volatile.Read(ref _lost) || time.GetElapsedTime(Volatile.Read(ref _since)) > Duration / 2;

    /// <summary>Runs until cancelled. A lost lease ends it, and not the call: what the provider gives must still be saved.</summary>
    public async Task KeepAliveAsync(CancellationToken done)
    {
        while (true)
        {
            await Task.Delay(Duration / 3, time, done).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (done.IsCancellationRequested || !await RenewAsync())
            {
                return;
            }
        }
    }

    private async Task<bool> RenewAsync()
    {
        try
        {
            // Counted from before the commit: the engine's clock starts the new term no earlier.
            var asked = time.GetTimestamp();
            var renewed = (await storage.CommitAsync(new Batch().RenewLease(Name, Fence, Duration))).Committed;
            Volatile.Write(ref _lost, !renewed);
            Volatile.Write(ref _since, asked);
            return renewed;
        }
        catch (Exception)
        {
            // The store is away; the next beat may reach it.
            return true;
        }
    }
}
