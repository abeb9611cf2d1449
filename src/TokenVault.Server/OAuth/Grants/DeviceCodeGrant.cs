using TokenVault.Server.Actions;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.OAuth.Devices;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>RFC 8628 §3.4: a device asks whether its user has answered; the statuses are those that Auth0's SDKs know.</summary>
internal sealed class DeviceCodeGrant(
    IStorage storage, PostLoginActions actions, TokenIssuer issuer, RefreshTokens refreshTokens, AuditLog audit, TimeProvider time) : IGrant
{
    /// <summary>RFC 8628 §3.5: seconds that each question which came too soon adds.</summary>
    private const int SlowerBy = 5;

    /// <summary>A device whose timer fires a little early is not told to slow down.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromSeconds(1);

    public string Type => Wire.DeviceCode;

    public async ValueTask<Outcome<TokenResponse>> RedeemAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        if (request.Parameters["device_code"] is not { } code)
        {
            return OAuthError.InvalidRequest("device_code is missing.");
        }

        // Losing to the user's answer, or to another question of the same device, shows in the next round.
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var record = await storage.FindAsync<DeviceRequest>(Identifier.Hash(code), cancellationToken);
            if (record is null || record.ClientId != request.Client.ClientId)
            {
                return await FailedAsync(request, userId: null, OAuthError.InvalidGrant("Invalid or expired device code."));
            }

            var outcome = await AnswerAsync(record, request, cancellationToken);
            if (outcome is { } told)
            {
                return told;
            }
        }

        return new OAuthError(503, "temporarily_unavailable", "The code is in use. Try again.") { RetryAfter = TimeSpan.FromSeconds(1) };
    }

    /// <returns>Null when the stored request changed meanwhile.</returns>
    private async ValueTask<Outcome<TokenResponse>?> AnswerAsync(DeviceRequest record, TokenRequest request, CancellationToken cancellationToken)
    {
        if (record.State == DeviceState.Denied)
        {
            return await FailedAsync(request, userId: null, OAuthError.AccessDenied("The user has denied the request."));
        }

        if (record.ValidUntil <= time.GetUtcNow())
        {
            return await FailedAsync(request, record.UserId, new OAuthError(403, "expired_token", "The device code has expired."));
        }

        return record.State == DeviceState.Pending ? await WaitAsync(record) : await IssueAsync(record, request, cancellationToken);
    }

    private async ValueTask<Outcome<TokenResponse>?> WaitAsync(DeviceRequest record)
    {
        var now = time.GetUtcNow();
        var tooSoon = record.LastAskedAt is { } last && now - last < TimeSpan.FromSeconds(record.Interval) - Early;
        var asked = record with { LastAskedAt = now, Interval = tooSoon ? record.Interval + SlowerBy : record.Interval };
        if (!(await storage.CommitAsync(new Batch().Replace(asked))).Committed)
        {
            return null;
        }

        return tooSoon
            ? new OAuthError(429, "slow_down", "Ask less often.") { RetryAfter = TimeSpan.FromSeconds(asked.Interval) }
            : OAuthError.AuthorizationPending("The user has not answered yet.");
    }

    private async ValueTask<Outcome<TokenResponse>?> IssueAsync(DeviceRequest record, TokenRequest request, CancellationToken cancellationToken)
    {
        var client = request.Client;
        if (await storage.FindAsync<User>(record.UserId!, cancellationToken) is not { Blocked: false } user)
        {
            return await FailedAsync(request, record.UserId, OAuthError.AccessDenied("The user is blocked."));
        }

        // Never more than the page showed; less, where the client may have less by now.
        var login = new PostLogin(TransactionProtocol.DeviceCode, client, request.Origin, user)
        {
            Audience = record.Audience,
            RequestedScopes = record.Scopes,
            Methods = record.Methods,
        };
        var access = await actions.AccessAsync(login, record.Scopes, request.Proven, cancellationToken);
        if (access.Failed(out var refused))
        {
            return await FailedAsync(request, user.UserId, refused);
        }

        // The code goes with the tokens in one commit: it is good once.
        var batch = new Batch().Delete(record);
        var about = new IdTokenContext(record.AuthenticatedAt, record.Methods, record.SessionId, Nonce: null);
        var (_, token) = OfflineAccess.Grant(batch, refreshTokens, client, user.UserId, record.Audience, access.Value, about);
        batch.Append(audit.Row(TokenIssuer.Event(AuditType.SuccessfulDeviceExchange, client, request.Origin) with
        {
            UserId = user.UserId,
            Audience = access.Value.Audience,
            Scope = Scope.Format(access.Value.Scopes),
        }));
        if (!(await storage.CommitAsync(batch)).Committed)
        {
            return null;
        }

        return issuer.ForUser(client, user, access.Value, about, token);
    }

    private async ValueTask<OAuthError> FailedAsync(TokenRequest request, string? userId, OAuthError error)
    {
        var failure = TokenIssuer.Event(AuditType.FailedDeviceExchange, request.Client, request.Origin) with { UserId = userId, Description = error.Description };
        await storage.CommitAsync(new Batch().Append(audit.Row(failure)));
        return error;
    }
}
