using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Approvals;

/// <summary>Asks users: the request, its notices to every channel and its trace are one commit, and no channel is waited for.</summary>
internal sealed class ApprovalRequests(
    IStorage storage, IEnumerable<IApprovalChannel> channels, AttemptLimiter limiter, AuditLog audit, TokenVaultOptions options, TimeProvider time)
{
    /// <summary>Of one user, unanswered.</summary>
    private const int MostPending = 100;

    private static readonly TimeSpan PauseWhenFull = TimeSpan.FromMinutes(1);

    private readonly List<string> _channels = [.. channels.Select(channel => channel.Name)];

    public DateTimeOffset Now => time.GetUtcNow();

    public string Issuer => options.Issuer;

    /// <summary>Who is asked without end approves in the end: so many a minute, whoever asks.</summary>
    public async ValueTask<OAuthError?> RefusalAsync(string userId, CancellationToken cancellationToken)
    {
        if (options.Approvals.RequestsPerMinute is > 0 and var most && limiter.Begin("approvals " + userId, most) is { } wait)
        {
            return TooMany(wait);
        }

        var pending = new ListQuery(Approval.Kind) { Index = Approval.PendingOf(userId) };
        return await storage.CountAsync(pending, cancellationToken) < MostPending ? null : TooMany(PauseWhenFull);
    }

    /// <returns>False when an exchange has asked for the same in this moment.</returns>
    public async ValueTask<bool> StartAsync(Approval approval, AuditEvent trace)
    {
        var batch = new Batch().Insert(approval);
        foreach (var channel in _channels)
        {
            batch.Insert(new ApprovalNotice
            {
                Id = ApprovalNotice.NewId(),
                ApprovalId = approval.Id,
                Channel = channel,
                UserId = approval.UserId,
                ClientId = approval.ClientId,
                NextAttemptAt = approval.RequestedAt,
                EndsAt = approval.Deadline,
            });
        }

        var traced = trace with { UserId = approval.UserId, Audience = approval.Audience, Scope = Scope.Format(approval.Scopes), Details = ApprovalTrace.Of(approval) };
        return (await storage.CommitAsync(batch.Append(audit.Row(traced)))).Committed;
    }

    private static OAuthError TooMany(TimeSpan wait) =>
        OAuthError.TooManyRequests(wait) with { Description = "The user has been asked for too many approvals. Try again later." };
}
