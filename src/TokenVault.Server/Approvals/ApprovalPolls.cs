using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Approvals;

/// <summary>A client asks what became of its request (CIBA Core §10.1, §11).</summary>
internal sealed class ApprovalPolls(IStorage storage, TimeProvider time)
{
    /// <summary>By how much a client that asks too often has to slow down (CIBA Core §11).</summary>
    private const int SlowDownBy = 5;

    private const int LongestInterval = 60;

    /// <summary>The way from the client to here may have been shorter this time.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private const int LongestId = 128;

    /// <returns>An approval that waits to be redeemed; else what to answer.</returns>
    public async ValueTask<Outcome<Approval>> ReadAsync(string authReqId, string clientId, CancellationToken cancellationToken)
    {
        while (true)
        {
            var approval = authReqId.Length > LongestId ? null : await storage.FindByKeyAsync<Approval>("request", Identifier.Hash(authReqId), cancellationToken);
            if (approval is null || approval.ClientId != clientId)
            {
                return Unknown(approval is null ? "there is no such request" : "the request is another client's");
            }

            if (approval.State == ApprovalState.Consumed)
            {
                return Unknown("the request was redeemed before");
            }

            if (approval.State == ApprovalState.Denied)
            {
                return Denied();
            }

            if (approval.Deadline <= time.GetUtcNow())
            {
                return new OAuthError(400, "expired_token", "The auth_req_id has expired");
            }

            if (approval.State == ApprovalState.Approved)
            {
                return approval;
            }

            // Another answer may have come between, from the user or to another question of the same client.
            if (await AskedAsync(approval) is { } waiting)
            {
                return waiting;
            }
        }
    }

    /// <returns>Null when the row changed meanwhile.</returns>
    private async ValueTask<OAuthError?> AskedAsync(Approval approval)
    {
        var now = time.GetUtcNow();
        if (approval.PolledAt is not { } last || last.AddSeconds(approval.Interval) - Grace <= now)
        {
            return (await storage.CommitAsync(new Batch().Replace(approval with { PolledAt = now }))).Committed ? OAuthError.AuthorizationPending() : null;
        }

        var interval = Math.Min(approval.Interval + SlowDownBy, LongestInterval);
        var slower = approval with { PolledAt = now, Interval = interval };
        return (await storage.CommitAsync(new Batch().Replace(slower))).Committed ? SlowDown(interval) : null;
    }

    private static OAuthError SlowDown(int interval) =>
        new(400, "slow_down", $"You are polling faster than allowed. Try again in {interval} seconds.")
        {
            Approval = new ApprovalDemand(interval),
            RetryAfter = TimeSpan.FromSeconds(interval),
        };

    private static OAuthError Denied() =>
        new(400, "access_denied", "The end-user denied the authorization request or it has been expired");

    private static OAuthError Unknown(string detail) => new(400, "invalid_grant", "Unknown or invalid auth_req_id.") { Detail = detail };
}
