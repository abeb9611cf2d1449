using TokenVault.Server.Audit;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.Approvals;

/// <summary>The user's answer: given once, and final.</summary>
internal sealed class ApprovalDecision(IStorage storage, AuditLog audit, TimeProvider time)
{
    public bool IsOpen(Approval approval) => approval.IsPending(time.GetUtcNow());

    /// <returns>False when there is an answer already, or the time for one is over.</returns>
    public async ValueTask<bool> DecideAsync(string id, SignedIn by, bool approved, AuditEvent trace)
    {
        // A client that polls changes the row too: that is no answer, and the user's goes on from there.
        while (await storage.FindAsync<Approval>(id, CancellationToken.None) is { } approval && IsOpen(approval))
        {
            var row = audit.Row(trace with { UserId = by.User.UserId, Details = ApprovalTrace.Of(approval) });

            // Whoever signs out meanwhile has not approved.
            var batch = new Batch().Require(by.Session).Replace(Decided(approval, by.Session, approved)).Append(row);
            var result = await storage.CommitAsync(batch);
            if (result.Committed)
            {
                return true;
            }

            if (await storage.FindAsync<Session>(by.Session.Id, CancellationToken.None) is not { } session)
            {
                return false;
            }

            by = by with { Session = session };
        }

        return false;
    }

    private Approval Decided(Approval approval, Session session, bool approved)
    {
        var now = time.GetUtcNow();
        var decided = approval with { State = approved ? ApprovalState.Approved : ApprovalState.Denied, DecidedAt = now };
        if (!approved)
        {
            return decided;
        }

        // An exchange waits for as long again as the user might have taken.
        var lifetime = approval.ValidFor > 0 ? TimeSpan.FromSeconds(approval.ValidFor) : approval.Deadline - approval.RequestedAt;
        return decided with
        {
            AuthenticatedAt = session.AuthenticatedAt,
            Methods = session.Methods,
            ValidUntil = approval.IsExchange ? now + lifetime : null,
        };
    }
}
