using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Exchange;

/// <summary>
/// What a stolen worker key is good for at the most: so many requests a minute, so many users an hour (T-PW-09). A request is counted in
/// the commit that uses up its subject token, so that neither can be had twice (T-PW-03), and before anything is done for it.
/// </summary>
internal sealed class PrivilegedBudget(IStorage storage, AuditLog audit, AttemptLimiter limiter, TokenVaultOptions options, TimeProvider time, ILogger<PrivilegedBudget> logger)
{
    private const int Attempts = 50;

    private const int AlarmsAMinute = 1;

    /// <returns>Null when it is counted, and within bounds.</returns>
    public async ValueTask<OAuthError?> SpendAsync(Client client, string userId, SpentJti spent, RequestOrigin origin)
    {
        var mostRequests = Least(client.PrivilegedAccess!.RequestsPerMinute, options.PrivilegedWorker.RequestsPerMinute);
        var mostUsers = Least(client.PrivilegedAccess.UsersPerHour, options.PrivilegedWorker.UsersPerHour);
        if (mostRequests == 0 && mostUsers == 0)
        {
            return (await storage.CommitAsync(new Batch().Insert(spent))).Committed ? null : Replayed();
        }

        // Losing a race against another request of the same client shows in the next round, in what is left.
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var stored = await storage.FindAsync<WorkerBudget>(client.ClientId, CancellationToken.None) ?? new WorkerBudget { ClientId = client.ClientId };
            var budget = stored.At(time.GetUtcNow());
            var reach = budget.Reach(userId);
            var isNew = await storage.FindAsync<WorkerReach>(reach.Id, CancellationToken.None) is null;
            if (mostRequests > 0 && budget.Requests >= mostRequests)
            {
                await RaiseAsync(client, origin, "requests_per_minute", mostRequests);
                return new OAuthError(429, "too_many_requests", "The client has asked as often as it may within a minute.") { RetryAfter = TimeSpan.FromMinutes(1) };
            }

            if (mostUsers > 0 && isNew && budget.Users >= mostUsers)
            {
                await RaiseAsync(client, origin, "users_per_hour", mostUsers);
                return ExchangeErrors.Denied("The client has asked for as many users as it may within an hour.");
            }

            var next = budget with { Requests = budget.Requests + 1, Users = budget.Users + (isNew ? 1 : 0) };
            var batch = new Batch().Insert(spent);
            batch = stored.Version == 0 ? batch.Insert(next) : batch.Replace(next);
            var result = await storage.CommitAsync(isNew ? batch.Insert(reach) : batch);
            if (result.Committed)
            {
                return null;
            }

            if (result is { Outcome: CommitOutcome.Duplicate, FailedOperation: 0 })
            {
                return Replayed();
            }
        }

        return ExchangeErrors.Unavailable("lost every race for the worker's budget", retryAfter: null);
    }

    private static OAuthError Replayed() => ExchangeErrors.InvalidSubjectToken("the token was used before");

    /// <summary>Where both say something, the stricter; 0 says nothing.</summary>
    private static int Least(int own, int general) => own == 0 || general == 0 ? Math.Max(own, general) : Math.Min(own, general);

    /// <summary>The alarm: once a minute, since each refusal is in the log already.</summary>
    private async ValueTask RaiseAsync(Client client, RequestOrigin origin, string limit, int most)
    {
        if (limiter.Begin($"worker alarm {client.ClientId} {limit}", AlarmsAMinute) is not null)
        {
            return;
        }

        Log.WorkerLimitReached(logger, client.ClientId, limit, most);
        await storage.CommitAsync(new Batch().Append(audit.Row(new AuditEvent
        {
            Type = AuditType.WorkerLimitReached,
            Description = $"A privileged worker has reached its limit of {limit}: is its key stolen?",
            ClientId = client.ClientId,
            ClientName = client.Name,
            Details = new JsonObject { ["limit"] = limit, ["most"] = most },
        }.From(origin))));
    }
}
