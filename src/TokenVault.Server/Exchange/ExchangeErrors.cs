using TokenVault.Server.Approvals;
using TokenVault.Server.Protocol;

namespace TokenVault.Server.Exchange;

/// <summary>Why an exchange fails: the codes and texts that existing clients match on, each with the reason that tells what to do next.</summary>
internal static class ExchangeErrors
{
    private static readonly TimeSpan DefaultRetry = TimeSpan.FromSeconds(5);

    /// <summary>No account is connected here, or none that matches the hint.</summary>
    public static OAuthError NotConnected(string detail) =>
        new(401, "federated_connection_refresh_token_not_found", "Federated connection Refresh Token not found.")
        {
            Reason = FailureReason.NotConnected,
            Detail = detail,
        };

    /// <summary>The access token has ended and the provider gave no refresh token.</summary>
    public static OAuthError NothingToRefreshWith() =>
        NotConnected("the access token has ended and there is no refresh token") with { Reason = FailureReason.ReauthorizationRequired };

    /// <summary>The provider withdrew the grant.</summary>
    public static OAuthError Reauthorize(string detail) =>
        new(401, "federated_connection_refresh_token_flow_failed", "Refresh Token flow for the Federated Connection failed")
        {
            Reason = FailureReason.ReauthorizationRequired,
            Detail = detail,
        };

    /// <summary>503, so that no client mistakes an outage for a dead grant and sends the user to reconnect.</summary>
    public static OAuthError Unavailable(string detail, TimeSpan? retryAfter) =>
        new(503, "temporarily_unavailable", "The provider is temporarily unavailable. Try again later.")
        {
            Reason = FailureReason.TemporarilyUnavailable,
            RetryAfter = retryAfter ?? DefaultRetry,
            Detail = detail,
        };

    public static OAuthError MissingScopes(IReadOnlyList<string> missing) =>
        new(400, "invalid_scope", "The connected account was not granted every requested scope.")
        {
            Reason = FailureReason.InsufficientScope,
            MissingScopes = missing,
        };

    public static OAuthError ClientMayNot(string why) => OAuthError.UnauthorizedClient(why) with { Reason = FailureReason.PolicyDenied };

    public static OAuthError Denied(string why) => OAuthError.AccessDenied(why) with { Reason = FailureReason.PolicyDenied };

    /// <summary>In the words of CIBA (Core §11): the same exchange is tried again until the user has answered.</summary>
    public static OAuthError ApprovalRequired(Approval approval, string issuer, DateTimeOffset now) => OAuthError.AuthorizationPending() with
    {
        Reason = FailureReason.ApprovalRequired,
        RetryAfter = TimeSpan.FromSeconds(approval.Interval),
        Approval = new ApprovalDemand(approval.Interval)
        {
            AuthReqId = approval.Id,
            ApprovalUri = approval.Url(issuer),
            ExpiresIn = Math.Max(1, (long)(approval.Deadline - now).TotalSeconds),
        },
        Detail = approval.Id,
    };

    /// <summary>Without <c>mfa_token</c>: there is nothing to go on with, the policy or the session has to be another one.</summary>
    public static OAuthError MultiFactorAlways() =>
        new(401, "mfa_required", "Multifactor authentication required: the policy is always, and the Token Vault exchange cannot ask for a second factor.")
        {
            Reason = FailureReason.PolicyDenied,
        };

    /// <summary>It is told, unlike what else may be wrong with a token: an API that never saw a bound token has to learn what to send.</summary>
    public static OAuthError UnprovenSubjectToken(string detail) =>
        InvalidSubjectToken(detail) with { Description = $"The subject token is bound to a key: send the DPoP proof that came with it as {ExchangeRequest.SubjectTokenProof}." };

    public static OAuthError Replayed() => InvalidSubjectToken("the token was used before");

    public static OAuthError InvalidSubjectToken(string detail) =>
        new(401, "invalid_grant", "The subject token is invalid or expired.") { Detail = detail };
}
