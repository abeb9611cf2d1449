using System.Globalization;
using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Connections;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Logout;

/// <summary>
/// Tells clients that a session has ended, through the egress guard as every call that leaves the server (T-UP-10), beside the signing out
/// and never in its way: what a client does not take now it is told again, for an hour.
/// </summary>
internal sealed class LogoutDelivery(
    IStorage storage, LogoutTokens tokens, EgressGuard guard, AuditLog audit, TimeProvider time, ILogger<LogoutDelivery> logger) : BackgroundService
{
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    /// <summary>A client that hangs keeps the others waiting.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly UpstreamHttp _http = new(guard, time);

    public override void Dispose()
    {
        _http.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new OutboxLoop<PendingLogout>(storage, "logout-deliveries", PendingLogout.Due, logout => logout.NextAttemptAt, time, logger)
            .RunAsync(AttemptAsync, stoppingToken);

    private async Task AttemptAsync(PendingLogout logout, CancellationToken stopping)
    {
        // As it is set now: where it was to be told may have changed, and whether.
        var client = await storage.FindAsync<Client>(logout.ClientId, stopping);
        if (client?.OidcLogout?.BackchannelLogoutUrls is not [var address])
        {
            await storage.CommitAsync(new Batch().Delete(logout));
            return;
        }

        var (problem, final) = await SendAsync(logout, address, stopping);
        var now = time.GetUtcNow();
        if (problem is not null && !final && now - logout.CreatedAt < GiveUpAfter)
        {
            await storage.CommitAsync(new Batch().Replace(logout with { Attempts = logout.Attempts + 1, NextAttemptAt = now + Pause(logout.Attempts) }));
            return;
        }

        await storage.CommitAsync(new Batch().Delete(logout).Append(audit.Row(Told(logout, client, problem))));
    }

    /// <returns>Why the client has not taken it, and whether that is its last word (§2.8: 400 for a token that it does not accept).</returns>
    private async Task<(string? Problem, bool Final)> SendAsync(PendingLogout logout, string address, CancellationToken stopping)
    {
        if (!UpstreamUrl.TryParse(address, out var endpoint, out var wrong))
        {
            return ("the address " + wrong, Final: true);
        }

        using var form = new FormUrlEncodedContent([KeyValuePair.Create("logout_token", tokens.Issue(logout).Reveal())]);
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = form };
        var result = await _http.SendAsync(request, UpstreamHttp.DefaultLimit, new SendTerms(Patience, StatusOnly: true), stopping);
        return result.Value is not { } answer ? (result.Failure!.Detail, Final: false)
            : (int)answer.Status is >= 200 and < 300 ? (null, Final: true)
            : (string.Create(CultureInfo.InvariantCulture, $"status {(int)answer.Status}"), Final: (int)answer.Status == 400);
    }

    private static TimeSpan Pause(int attempts)
    {
        var doubled = TimeSpan.FromSeconds(30 * Math.Pow(2, Math.Min(attempts, 10)));
        return doubled < LongestPause ? doubled : LongestPause;
    }

    private static AuditEvent Told(PendingLogout logout, Client client, string? problem) => new()
    {
        Type = problem is null ? AuditType.BackchannelLogoutSucceeded : AuditType.BackchannelLogoutFailed,
        Description = problem,
        ClientId = client.ClientId,
        ClientName = client.Name,
        UserId = logout.UserId,
        Details = new JsonObject { ["session_id"] = logout.SessionId, ["attempts"] = logout.Attempts + 1 },
    };
}
