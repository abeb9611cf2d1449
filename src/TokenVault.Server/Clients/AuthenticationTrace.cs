using System.Text.Json.Nodes;
using TokenVault.Server.Audit;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.Clients;

/// <summary>What the log is told of clients that could not prove who they are.</summary>
internal sealed class AuthenticationTrace(
    AttemptLimiter limiter, LimitAlarm alarm, RecordCache cache, IStorage storage, AuditLog audit, TimeProvider time)
{
    /// <summary>A minute, from one network.</summary>
    private const int MostUnknownTraced = 60;

    /// <summary>Nobody can fill the log with names that they make up: an unknown client's is left out, and only so many are told of.</summary>
    /// <param name="problem">What was wrong with what a client that exists presented.</param>
    public async ValueTask FailedAsync(HttpContext context, RequestParameters parameters, Client? client, string problem)
    {
        var type = parameters["grant_type"] switch
        {
            Wire.AuthorizationCode => AuditType.FailedCodeExchange,
            Wire.RefreshToken => AuditType.FailedRefreshExchange,
            Wire.ClientCredentials => AuditType.FailedClientCredentials,
            Wire.FederatedExchange => AuditType.FailedVaultExchange,
            Wire.DeviceCode => AuditType.FailedDeviceExchange,
            Wire.Ciba => AuditType.FailedBackchannelExchange,
            _ when context.Request.Path == Wire.BackchannelPath => AuditType.BackchannelNotStarted,
            _ => null,
        };

        // Counted for both, and looked for in the store for both, where a known client is in memory: the time would tell (T-CA-08).
        var tooMany = limiter.Begin($"{(client is null ? "unknown" : "known")} clients {CallerNetwork.Of(context)}", MostUnknownTraced) is not null;
        if (client is not null)
        {
            await cache.FindAsync<Client>(Identifier.Client(), context.RequestAborted);
        }

        if (type is null)
        {
            return;
        }

        if (client is null && tooMany)
        {
            // A commit that leaves one row for all of them: without it these answers would come sooner than a known client's (T-CA-08).
            await storage.CommitAsync(new Batch().Put(UntracedFailure.Of(CallerNetwork.Of(context), time.GetUtcNow())));
            return;
        }

        await storage.CommitAsync(new Batch().Append(audit.Row(new AuditEvent
        {
            Type = type,
            Description = client is null ? "Unknown client" : $"Wrong client credentials: {problem}",
            ClientId = client?.ClientId,
            ClientName = client?.Name,
            Details = type == AuditType.FailedVaultExchange
                ? new JsonObject { ["subject_token_type"] = SubjectTokenType(parameters), ["failure_reason"] = "invalid_client", ["is_privileged_worker"] = parameters["subject_token_type"] == Wire.JwtType }
                : null,
        }.From(RequestOrigin.Of(context)))));
    }

    /// <summary>The caller has failed, or only asked, too often, and is not heard.</summary>
    public async ValueTask LimitedAsync(HttpContext context, string clientId, string key)
    {
        // As above, known or not: both are looked for.
        var client = await cache.FindAsync<Client>(clientId, context.RequestAborted);
        await cache.FindAsync<Client>(client is null ? clientId : Identifier.Client(), context.RequestAborted);
        await alarm.RaiseAsync(key, new AuditEvent
        {
            Type = AuditType.ApiLimit,
            Description = "Too many failed attempts at the token endpoint",
            ClientId = client?.ClientId,
            ClientName = client?.Name,
        }.From(RequestOrigin.Of(context)));
    }

    /// <summary>Whoever writes something else there has written nothing for the log.</summary>
    private static string SubjectTokenType(RequestParameters parameters) =>
        parameters["subject_token_type"] switch
        {
            Wire.RefreshTokenType => Wire.RefreshTokenType,
            Wire.AccessTokenType => Wire.AccessTokenType,
            Wire.JwtType => Wire.JwtType,
            _ => "unknown",
        };
}
