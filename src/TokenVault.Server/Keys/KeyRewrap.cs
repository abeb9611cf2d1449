using System.Diagnostics;
using TokenVault.Server.Audit;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Keys;

/// <summary>
/// Puts every sealed value under the vault key that seals now, beside everything else that goes on: one node at a time, under a lease,
/// batch by batch. Rows keep their versions, so that nobody who works with one is disturbed; a row that moves on meanwhile is looked at
/// again by the next pass.
/// </summary>
internal sealed class KeyRewrap(
    IStorage storage, KeyRing ring, IReadOnlyList<SealedNoun> nouns, AuditLog audit, TimeProvider time, ILogger<KeyRewrap> logger)
{
    private const string LeaseName = "key-rewrap";

    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly KeyRewrapPass _pass = new(storage, ring, nouns, time, logger);
    private readonly string _node = Identifier.Secret();

    /// <param name="progress">Told after every batch.</param>
    /// <param name="anew">Go over everything although a run for this key has finished.</param>
    /// <param name="cancellationToken">Stops after the batch under way; the next run goes on from there.</param>
    public async Task<RewrapOutcome> RunAsync(Action<KeyRewrapState> progress, bool anew, CancellationToken cancellationToken)
    {
        if ((await NewestAsync(cancellationToken)).Id != SealingKey)
        {
            return RewrapOutcome.NotYet;
        }

        var state = await StateAsync(cancellationToken);
        if (!anew && state?.KeyId == SealingKey && state.FinishedAt is not null)
        {
            return RewrapOutcome.Done;
        }

        var lease = await storage.CommitAsync(new Batch().AcquireLease(LeaseName, _node, LeaseTime));
        if (!lease.Committed)
        {
            return RewrapOutcome.Busy;
        }

        try
        {
            return await RunAsync(lease.Fence, progress, anew, cancellationToken);
        }
        finally
        {
            await storage.CommitAsync(new Batch().ReleaseLease(LeaseName, lease.Fence));
        }
    }

    public async ValueTask<KeyRewrapState?> StateAsync(CancellationToken cancellationToken) =>
        await storage.FindAsync<KeyRewrapState>(KeyRewrapState.OnlyId, cancellationToken);

    /// <summary>
    /// Destroys the replaced keys that nothing has referred to for <paramref name="after"/>, and refers to now. The wait is for writers who
    /// read a row before it was re-wrapped, and for spools that are still to be brought in.
    /// </summary>
    public async Task<IReadOnlyList<VaultKey>> RetireAsync(TimeSpan after, CancellationToken cancellationToken)
    {
        // What did not open may have been repaired since; it is looked at again after the same time.
        var last = await StateAsync(cancellationToken);
        if ((last?.CleanSince ?? last?.FinishedAt) + after > time.GetUtcNow()
            || await RunAsync(_ => { }, anew: true, cancellationToken) != RewrapOutcome.Done
            || await StateAsync(cancellationToken) is not { } state
            || !IsClean(state, after))
        {
            return [];
        }

        // What that pass has seen everything under, whatever seals by now.
        var keys = (await storage.ListAllAsync<VaultKey>(index: null, cancellationToken)).Where(key => key.RetiredAt is null).ToList();
        var generation = keys.Find(key => key.Id == state.KeyId)?.Generation ?? 0;
        var replaced = keys.Where(key => key.Generation < generation).ToList();
        var now = time.GetUtcNow();
        var batch = new Batch();
        foreach (var key in replaced)
        {
            batch.Replace(key with { RetiredAt = now, Wrapped = [] });
            batch.Append(audit.Row(new AuditEvent { Type = AuditType.ManagementWrite, Description = $"Retire vault key {key.Id}" }));
        }

        return replaced.Count > 0 && (await storage.CommitAsync(batch)).Committed ? replaced : [];
    }

    private string SealingKey => VaultKey.Name(ring.SealingId);

    private async Task<RewrapOutcome> RunAsync(long fence, Action<KeyRewrapState> progress, bool anew, CancellationToken cancellationToken)
    {
        // Read under the lease: whoever had it before may have gone on.
        var state = await StateAsync(cancellationToken);
        if (state?.KeyId != SealingKey || (anew && state.FinishedAt is not null))
        {
            var clean = state?.KeyId == SealingKey ? state.CleanSince : null;
            state = await _pass.BeginAsync(
                new KeyRewrapState { KeyId = SealingKey, StartedAt = time.GetUtcNow(), CleanSince = clean }, cancellationToken);
        }

        while (state.FinishedAt is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (state.KeyId != SealingKey)
            {
                return RewrapOutcome.NotYet;
            }

            var began = Stopwatch.GetTimestamp();
            var (outcome, next) = await _pass.StepAsync(state, () => new Batch().RenewLease(LeaseName, fence, LeaseTime), cancellationToken);
            switch (outcome)
            {
                case CommitOutcome.Committed:
                    state = next;
                    progress(state);
                    break;
                case CommitOutcome.LeaseConflict:
                    return RewrapOutcome.Busy;
            }

            // As long again as the work took, by the real clock: half of the store's time is left to others.
            var pause = Stopwatch.GetElapsedTime(began);
            await Task.Delay(pause < LongestPause ? pause : LongestPause, TimeProvider.System, cancellationToken);
        }

        return RewrapOutcome.Done;
    }

    private bool IsClean(KeyRewrapState state, TimeSpan since) =>
        state.KeyId == SealingKey && state.FinishedAt is not null && state.CleanSince + since <= time.GetUtcNow();

    private async Task<VaultKey> NewestAsync(CancellationToken cancellationToken) =>
        (await storage.ListAllAsync<VaultKey>(index: null, cancellationToken)).MaxBy(key => key.Generation)!;
}

internal enum RewrapOutcome
{
    Done,

    /// <summary>Another node is at it.</summary>
    Busy,

    /// <summary>The newest key does not seal here yet.</summary>
    NotYet,
}
