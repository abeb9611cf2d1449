using System.Threading.Channels;
using TokenVault.Server.Clients;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Approvals;

/// <summary>Works off the outbox of notices: each goes out at least once, unless the user has answered or the time is over before.</summary>
internal sealed class ApprovalNotices(
    IStorage storage, RecordCache cache, IEnumerable<IApprovalChannel> channels, TokenVaultOptions options, TimeProvider time, ILogger<ApprovalNotices> logger)
    : BackgroundService
{
    private const string LeaseName = "approval-notices";

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, IApprovalChannel> _channels = channels.ToDictionary(channel => channel.Name, StringComparer.Ordinal);
    private readonly string _node = Identifier.Secret();
    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_channels.Count == 0)
        {
            return;
        }

        using var watch = storage.Watch(change =>
        {
            if (change.Kind is null or "approval-notice")
            {
                _wakes.Writer.TryWrite(true);
            }
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WorkAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Log.BackgroundWorkFailed(logger, e, LeaseName);
            }

            using var pause = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(_wakes.Reader.WaitToReadAsync(pause.Token).AsTask(), Task.Delay(Poll, time, pause.Token));
            await pause.CancelAsync();
            _wakes.Reader.TryRead(out _);
        }
    }

    private async Task WorkAsync(CancellationToken stopping)
    {
        var now = time.GetUtcNow();
        var notices = await storage.ListReadableAsync<ApprovalNotice>(index: null, logger, stopping);

        // A channel that this node does not have, any more or yet, keeps no other waiting.
        var due = notices.Where(notice => notice.NextAttemptAt <= now && _channels.ContainsKey(notice.Channel)).ToList();
        if (due.Count == 0)
        {
            return;
        }

        // One node at a time, so that users are not told twice.
        var lease = await storage.CommitAsync(new Batch().AcquireLease(LeaseName, _node, LeaseTime));
        if (!lease.Committed)
        {
            return;
        }

        await Parallel.ForEachAsync(
            due, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = stopping },
            async (notice, _) => await TellAsync(notice, stopping));
        await storage.CommitAsync(new Batch().ReleaseLease(LeaseName, lease.Fence));
    }

    private async Task TellAsync(ApprovalNotice notice, CancellationToken stopping)
    {
        var message = await MessageAsync(notice, stopping);
        var problem = message is null ? null : await _channels[notice.Channel].SendAsync(message, stopping);
        if (problem is null)
        {
            await storage.CommitAsync(new Batch().Delete(notice));
            return;
        }

        Log.ApprovalNoticeFailed(logger, notice.Channel, notice.ApprovalId, problem);
        var pause = TimeSpan.FromSeconds(Math.Pow(2, Math.Min(notice.Attempts, 10)));
        var next = time.GetUtcNow() + (pause < LongestPause ? pause : LongestPause);
        await storage.CommitAsync(new Batch().Replace(notice with { Attempts = notice.Attempts + 1, NextAttemptAt = next }));
    }

    /// <returns>Null when there is nothing to tell any more, or nobody.</returns>
    private async ValueTask<ApprovalMessage?> MessageAsync(ApprovalNotice notice, CancellationToken stopping)
    {
        var known = _channels.ContainsKey(notice.Channel);
        return known
            && await storage.FindAsync<Approval>(notice.ApprovalId, stopping) is { } approval && approval.IsPending(time.GetUtcNow())
            && await cache.FindAsync<Client>(approval.ClientId, stopping) is { } client
            && await storage.FindAsync<User>(approval.UserId, stopping) is { Blocked: false } user
                ? new ApprovalMessage(notice.Id, approval, client, user, approval.Url(options.Issuer))
                : null;
    }
}
