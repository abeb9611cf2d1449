using TokenVault.Server.Approvals;
using TokenVault.Server.Audit;
using TokenVault.Server.Clients;
using TokenVault.Server.Keys;
using TokenVault.Server.OAuth.Ciba;
using TokenVault.Server.Protocol;
using TokenVault.Server.Storage;

namespace TokenVault.Server.OAuth.Grants;

/// <summary>CIBA Core §10.1: the client polls until the user has answered, and gets what was approved, once.</summary>
internal sealed class CibaGrant(
    IStorage storage, ApprovalPolls polls, BackchannelAccess allowed, TokenIssuer issuer, RefreshTokens refreshTokens, AuditLog audit) : IGrant
{
    public string Type => Wire.Ciba;

    public async ValueTask<Outcome<TokenResponse>> RedeemAsync(TokenRequest request, CancellationToken cancellationToken)
    {
        if (request.Client.IsPublic)
        {
            return OAuthError.GrantTypeNotAllowed(Wire.Ciba);
        }

        if (request.Parameters["auth_req_id"] is not { } authReqId)
        {
            return OAuthError.InvalidRequest("auth_req_id is missing.");
        }

        while (true)
        {
            var read = await polls.ReadAsync(authReqId, request.Client.ClientId, cancellationToken);
            if (read.Failed(out var notYet))
            {
                return notYet.Approval is not null || notYet.Error == "authorization_pending" ? notYet : await FailedAsync(request, notYet);
            }

            var granted = await allowed.FindAsync(read.Value, request, cancellationToken);
            if (granted.Failed(out var refused))
            {
                return await FailedAsync(request, refused);
            }

            // Another node was faster: what became of it shows in the next round.
            if (await IssueAsync(read.Value, granted.Value, request) is { } response)
            {
                return response;
            }
        }
    }

    /// <returns>Null when the approval was redeemed elsewhere meanwhile.</returns>
    private async ValueTask<TokenResponse?> IssueAsync(Approval approval, BackchannelGrant granted, TokenRequest request)
    {
        var (user, access) = granted;
        var batch = new Batch().Replace(approval with { State = ApprovalState.Consumed });
        Secret? token = null;
        if (access.Scopes.Contains(Wire.OfflineAccess))
        {
            var (refreshToken, secret) = refreshTokens.Create(request.Client, user.UserId, approval.Audience, access.Scopes);
            batch.Insert(refreshToken with { AuthenticatedAt = approval.AuthenticatedAt, Methods = approval.Methods });
            token = secret;
        }

        batch.Append(audit.Row(TokenIssuer.Event(AuditType.SuccessfulBackchannelExchange, request.Client, request.Origin) with
        {
            UserId = user.UserId,
            Audience = access.Audience,
            Scope = Scope.Format(access.Scopes),
            Details = ApprovalTrace.Of(approval),
        }));
        if (!(await storage.CommitAsync(batch)).Committed)
        {
            return null;
        }

        // No session: the application is not in the browser in which the user approved.
        var about = new IdTokenContext(approval.AuthenticatedAt, approval.Methods, SessionId: null, Nonce: null);
        return issuer.ForUser(request.Client, user, access, about, token);
    }

    private async ValueTask<OAuthError> FailedAsync(TokenRequest request, OAuthError error)
    {
        var failure = TokenIssuer.Event(AuditType.FailedBackchannelExchange, request.Client, request.Origin) with { Description = error.Detail ?? error.Description };
        await storage.CommitAsync(new Batch().Append(audit.Row(failure)));
        return error;
    }
}
