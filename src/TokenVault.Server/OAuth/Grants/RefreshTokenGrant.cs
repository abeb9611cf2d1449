using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>
/// RFC 6749 §6, rotating with reuse detection (RFC 9700 §4.14.2) or not, as the client is set; and multi-resource: one refresh
/// token, an access token for each of several APIs, one at a time.
/// </summary>
internal sealed class RefreshTokenGrant(
    IStorage storage, RefreshAccess allowed, TokenIssuer issuer, RefreshTokens refreshTokens, AuditLog audit) : IGrant
{
    public string Type => Wire.RefreshToken;

    public async ValueTask<Outcome<TokenResponse>> RedeemAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        var (parameters, client, origin) = (request.Parameters, request.Client, request.Origin);
        if (parameters["refresh_token"] is not { } token)
        {
            return OAuthError.InvalidRequest("refresh_token is missing.");
        }

        // Losing a race against another use of the same token shows in the next round, as its predecessor.
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var presented = await refreshTokens.FindAsync(token, cancellationToken);
            if (presented is null || presented.Record.ClientId != client.ClientId)
            {
                return await FailedAsync(client, origin, OAuthError.InvalidRefreshToken(presented is null ? null : "the token is another client's"));
            }

            // Asked before all else: whoever stole the token without its key can neither use it up nor end its family.
            if (presented.Record.BoundTo?.IsMetBy(request.Proven) == false)
            {
                return await FailedAsync(client, origin, OAuthError.InvalidDpopProof("the refresh token is bound to another key, or there is no proof"));
            }

            if (await RedeemAsync(presented, request, cancellationToken) is { } outcome)
            {
                return outcome;
            }
        }

        return await FailedAsync(client, origin, OAuthError.InvalidRefreshToken("lost every race"));
    }

    /// <returns>Null when the stored token changed meanwhile.</returns>
    private async ValueTask<Outcome<TokenResponse>?> RedeemAsync(
        PresentedRefreshToken presented, TokenRequest request, CancellationToken cancellationToken)
    {
        var (client, origin) = (request.Client, request.Origin);
        var again = refreshTokens.AgainWithinLeeway(presented, client);
        if (presented.Standing != RefreshTokenStanding.Current && again is null)
        {
            return await ReusedAsync(presented.Record, client, origin);
        }

        var record = presented.Record;
        if (await storage.FindAsync<User>(record.UserId, cancellationToken) is not { Blocked: false } user)
        {
            return await FailedAsync(client, origin, OAuthError.InvalidRefreshToken("the user is blocked or gone"));
        }

        var access = await allowed.FindAsync(record, user, request, cancellationToken);
        if (access.Failed(out var refused))
        {
            return await FailedAsync(client, origin, refused);
        }

        var batch = new Batch();
        var next = again ?? Advance(presented, client, batch);
        batch.Append(audit.Row(TokenIssuer.Event(AuditType.SuccessfulRefreshExchange, client, origin) with
        {
            UserId = user.UserId,
            Audience = access.Value.Audience,
            Scope = Scope.Format(access.Value.Scopes),
        }));
        var result = await storage.CommitAsync(batch);
        if (!result.Committed)
        {
            return null;
        }

        var about = new IdTokenContext(record.AuthenticatedAt, record.Methods, record.SessionId, Nonce: null);
        return issuer.ForUser(client, user, access.Value, about, next);
    }

    /// <summary>The successor of a rotating token; a token that does not rotate is only marked as used, and has none.</summary>
    private Secret? Advance(PresentedRefreshToken presented, Client client, Batch batch)
    {
        if (presented.Record.Rotating)
        {
            var (rotated, secret) = refreshTokens.Rotate(presented, client);
            batch.Replace(rotated);
            return secret;
        }

        var used = refreshTokens.Used(presented.Record, client);
        if (!ReferenceEquals(used, presented.Record))
        {
            batch.Update(used);
        }

        return null;
    }

    /// <summary>A token from before the present generation, after the leeway: it leaked, here or there, and the family ends.</summary>
    private async ValueTask<Outcome<TokenResponse>?> ReusedAsync(RefreshToken record, Client client, RequestOrigin origin)
    {
        var reuse = TokenIssuer.Event(AuditType.RefreshTokenReuse, client, origin) with { UserId = record.UserId };
        var result = await storage.CommitAsync(new Batch().Delete(record).Append(audit.Row(reuse)));
        if (!result.Committed)
        {
            return null;
        }

        return OAuthError.InvalidRefreshToken("reuse of a rotated token");
    }

    private async ValueTask<OAuthError> FailedAsync(Client client, RequestOrigin origin, OAuthError error)
    {
        var failure = TokenIssuer.Event(AuditType.FailedRefreshExchange, client, origin) with { Description = error.Detail ?? error.Description };
        await storage.CommitAsync(new Batch().Append(audit.Row(failure)));
        return error;
    }
}
