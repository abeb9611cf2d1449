using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Keys;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;
using TokenVault.Server.Users;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>RFC 6749 §4.1.3 with RFC 7636 §4.6: the code, once, by the client and from the redirect URI it was issued to.</summary>
internal sealed class AuthorizationCodeGrant(
    IStorage storage, ApiAccessPolicy policy, TokenIssuer issuer, RefreshTokens refreshTokens, AuditLog audit, TimeProvider time) : IGrant
{
    public string Type => Wire.AuthorizationCode;

    public async ValueTask<Outcome<TokenResponse>> RedeemAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        var (parameters, client, origin) = (request.Parameters, request.Client, request.Origin);
        if (parameters["code"] is not { } code)
        {
            return OAuthError.InvalidRequest("code is missing.");
        }

        var record = await storage.FindAsync<AuthorizationCode>(Identifier.Hash(code), cancellationToken);
        if (record is null || record.ClientId != client.ClientId || (record.ValidUntil <= time.GetUtcNow() && !record.Redeemed))
        {
            return await FailedAsync(client, origin, InvalidCode());
        }

        if (record.Redeemed)
        {
            return await ReusedAsync(record, client, origin, cancellationToken);
        }

        if ((KeyMismatch(request.Proven, record) ?? Mismatch(parameters, record)) is { } mismatch)
        {
            return await FailedAsync(client, origin, mismatch);
        }

        if (await storage.FindAsync<User>(record.UserId, cancellationToken) is not { Blocked: false } user)
        {
            return await FailedAsync(client, origin, OAuthError.AccessDenied("The user is blocked."));
        }

        var access = await policy.ForUserAsync(client, record.Audience, record.Scopes, cancellationToken);
        access = access.Failed(out _) ? access : access.Value.Bind(client, request.Proven);
        return access.Failed(out var refused)
            ? await FailedAsync(client, origin, refused)
            : await IssueAsync(record, client, user, access.Value, origin, cancellationToken);
    }

    private async ValueTask<Outcome<TokenResponse>> IssueAsync(
        AuthorizationCode record, Client client, User user, ApiAccess access, RequestOrigin origin, CancellationToken cancellationToken)
    {
        var batch = new Batch();
        var about = new IdTokenContext(record.AuthenticatedAt, record.Methods, record.SessionId, record.Nonce);
        var (family, token) = OfflineAccess.Grant(batch, refreshTokens, client, user.UserId, record.Audience, access, about);
        var redeemed = record with { Redeemed = true, RefreshTokenId = family };
        var success = TokenIssuer.Event(AuditType.SuccessfulCodeExchange, client, origin) with
        {
            UserId = user.UserId,
            Audience = access.Audience,
            Scope = Scope.Format(access.Scopes),
        };
        batch.Replace(redeemed).Append(audit.Row(success));
        var result = await storage.CommitAsync(batch);
        if (!result.Committed)
        {
            // Another request was quicker with the same code.
            var winner = await storage.FindAsync<AuthorizationCode>(record.Id, cancellationToken) ?? record;
            return await ReusedAsync(winner, client, origin, cancellationToken);
        }

        return issuer.ForUser(client, user, access, about, token);
    }

    /// <summary>A second use means that the code leaked: what the first use issued is withdrawn (RFC 6749 §4.1.2).</summary>
    private async ValueTask<OAuthError> ReusedAsync(
        AuthorizationCode record, Client client, RequestOrigin origin, CancellationToken cancellationToken)
    {
        if (record.RefreshTokenId is { } id)
        {
            await WithdrawAsync(id, cancellationToken);
        }

        return await FailedAsync(client, origin, InvalidCode() with { Detail = "the code was used twice" });
    }

    /// <summary>Whoever holds the tokens may be refreshing them at this moment: the version moves, but each time the family is looked at anew.</summary>
    private async Task WithdrawAsync(string refreshTokenId, CancellationToken cancellationToken)
    {
        while (await storage.FindAsync<RefreshToken>(refreshTokenId, cancellationToken) is { } refreshToken)
        {
            if ((await storage.CommitAsync(new Batch().Delete(refreshToken))).Committed)
            {
                return;
            }
        }
    }

    private async ValueTask<OAuthError> FailedAsync(Client client, RequestOrigin origin, OAuthError error)
    {
        var failure = TokenIssuer.Event(AuditType.FailedCodeExchange, client, origin) with { Description = error.Detail ?? error.Description };
        await storage.CommitAsync(new Batch().Append(audit.Row(failure)));
        return error;
    }

    /// <summary>RFC 9449 §10.</summary>
    private static OAuthError? KeyMismatch(Confirmation proven, AuthorizationCode record) =>
        record.DpopKeyThumbprint is null || record.DpopKeyThumbprint == proven.KeyThumbprint
            ? null
            : OAuthError.InvalidDpopProof("the code is bound to another key, or there is no proof");

    private static OAuthError? Mismatch(RequestParameters parameters, AuthorizationCode record)
    {
        if (record.RedirectUri is not null && parameters["redirect_uri"] != record.RedirectUri)
        {
            return OAuthError.InvalidGrant("The redirect_uri is not the one of the authorization request.");
        }

        var verifier = parameters["code_verifier"];
        if (record.CodeChallenge is null)
        {
            // A verifier without a challenge is a downgrade in the making (RFC 9700 §2.1.1, T-CF-04).
            return verifier is null ? null : OAuthError.InvalidGrant("The authorization request had no code_challenge.");
        }

        return verifier is not null && Pkce.Matches(record.CodeChallenge, verifier) ? null : OAuthError.InvalidGrant("Failed to verify code verifier");
    }

    private static OAuthError InvalidCode() => OAuthError.InvalidGrant("Invalid authorization code");
}
