using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Diagnostics;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Exchange;

/// <summary>
/// What a stolen worker key is good for at the most: so many requests a minute, so many users an hour (T-PW-09). A request is counted
/// before anything is done for it, and stays counted whatever comes of it.
/// </summary>
internal sealed class PrivilegedBudget(IStorage storage, AuditLog audit, AttemptLimiter limiter, TokenVaultOptions options, TimeProvider time, ILogger<PrivilegedBudget> logger)
{
    private const int Attempts = 50;

    private const int AlarmsAMinute = 1;

    /// <summary>A worker asks for many users at once: its requests on this node take turns, and race against those on other nodes only.</summary>
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _turns = new(StringComparer.Ordinal);

    /// <returns>Null when it is counted, and within bounds.</returns>
    public async ValueTask<OAuthError?> SpendAsync(Client client, string userId, RequestOrigin origin)
    {
        var mostRequests = Least(client.PrivilegedAccess!.RequestsPerMinute, options.PrivilegedWorker.RequestsPerMinute);
        var mostUsers = Least(client.PrivilegedAccess.UsersPerHour, options.PrivilegedWorker.UsersPerHour);
        if (mostRequests == 0 && mostUsers == 0)
        {
            return null;
        }

        var turn = _turns.GetOrAdd(client.ClientId, _ => new SemaphoreSlim(1));
        await turn.WaitAsync(CancellationToken.None);
        try
        {
            return await SpendAsync(client, userId, origin, mostRequests, mostUsers);
        }
        finally
        {
            turn.Release();
        }
    }

    private async ValueTask<OAuthError?> SpendAsync(Client client, string userId, RequestOrigin origin, int mostRequests, int mostUsers)
    {
        // Losing a race against another node shows in the next round, in what is left.
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var stored = await storage.FindAsync<WorkerBudget>(client.ClientId, CancellationToken.None) ?? new WorkerBudget { ClientId = client.ClientId };
            var now = time.GetUtcNow();
            var budget = stored.At(now);
            var reach = WorkerReach.Of(client.ClientId, userId, now);
            if (mostRequests > 0 && budget.RecentRequests(now) >= mostRequests)
            {
                await RaiseAsync(client, origin, "requests_per_minute", mostRequests);
                return new OAuthError(429, "too_many_requests", "The client has asked as often as it may within a minute.") { RetryAfter = TimeSpan.FromMinutes(1) };
            }

            if (mostUsers > 0 && await IsBeyondAsync(client, reach, mostUsers))
            {
                await RaiseAsync(client, origin, "users_per_hour", mostUsers);
                return ExchangeErrors.Denied("The client has asked for as many users as it may within an hour.");
            }

            // The mark is made anew with each request, so that it ends an hour after the last.
            var next = budget with { Requests = budget.Requests + 1 };
            var batch = stored.Version == 0 ? new Batch().Insert(next) : new Batch().Replace(next);
            if ((await storage.CommitAsync(batch.Put(reach))).Committed)
            {
                return null;
            }
        }

        return ExchangeErrors.Unavailable("lost every race for the worker's budget", retryAfter: null);
    }

    private async ValueTask<bool> IsBeyondAsync(Client client, WorkerReach reach, int mostUsers) =>
        await storage.FindAsync<WorkerReach>(reach.Id, CancellationToken.None) is null
        && await storage.CountAsync(new ListQuery(WorkerReach.Kind) { Index = WorkerReach.Of(client.ClientId) }, CancellationToken.None) >= mostUsers;

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
