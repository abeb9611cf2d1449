namespace TokenVault.Server.Protocol;

/// <summary>
/// An error of the OAuth endpoints (RFC 6749 §5.2), with the statuses and texts that Auth0's SDKs know.
/// </summary>
/// <param name="Status">HTTP status; 4xx unless a provider is temporarily away.</param>
/// <param name="Error">The wire code.</param>
/// <param name="Description">What the client is told.</param>
internal sealed record OAuthError(int Status, string Error, string Description)
{
    /// <summary>No failure: the user has been asked, and the client is to ask again (RFC 8628 §3.5).</summary>
    public const string Pending = "authorization_pending";

    /// <summary>The machine-readable reason of a failed exchange: one of <see cref="FailureReason"/>.</summary>
    public string? Reason { get; init; }

    /// <summary>With <see cref="FailureReason.InsufficientScope"/>: what the stored grant lacks.</summary>
    public IReadOnlyList<string>? MissingScopes { get; init; }

    /// <summary>With <c>mfa_required</c>: how to go on.</summary>
    public MultiFactorDemand? MultiFactor { get; init; }

    /// <summary>While a user has yet to approve: how to go on.</summary>
    public ApprovalDemand? Approval { get; init; }

    /// <summary>When to come back.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What the log is told beside it; never sent to the client.</summary>
    public string? Detail { get; init; }

    public static OAuthError InvalidRequest(string description) => new(400, "invalid_request", description);

    /// <summary>One text for every cause, so that client ids cannot be enumerated (T-CA-08).</summary>
    public static OAuthError InvalidClient(string? detail = null) =>
        new(401, "invalid_client", "Client authentication failed.") { Detail = detail };

    public static OAuthError UnauthorizedClient(string description) => new(403, "unauthorized_client", description);

    public static OAuthError GrantTypeNotAllowed(string grantType) =>
        UnauthorizedClient($"Grant type '{grantType}' not allowed for the client.");

    public static OAuthError UnsupportedGrantType(string grantType) =>
        new(400, "unsupported_grant_type", $"Unsupported grant type: {Shown(grantType)}");

    public static OAuthError InvalidGrant(string description) => new(403, "invalid_grant", description);

    public static OAuthError InvalidRefreshToken(string? detail = null) =>
        new(403, "invalid_grant", "Unknown or invalid refresh token.") { Detail = detail };

    public static OAuthError InvalidScope(string description) => new(400, "invalid_scope", description);

    /// <summary>RFC 8693 §2.2.2.</summary>
    public static OAuthError InvalidTarget(string description) => new(400, "invalid_target", description);

    public static OAuthError AccessDenied(string description) => new(403, "access_denied", description);

    /// <summary>RFC 9449 §5. What is wrong with it is told: it is nobody's secret, and a clock that is wrong is found at once.</summary>
    public static OAuthError InvalidDpopProof(string problem) => new(400, "invalid_dpop_proof", $"The DPoP proof is not valid: {problem}.");

    /// <summary>RFC 9449 §8; the nonce itself is in a header.</summary>
    public static OAuthError UseDpopNonce() => new(400, "use_dpop_nonce", "The DPoP proof must have the nonce of the DPoP-Nonce header.");

    /// <summary>RFC 6750 §3.1.</summary>
    public static OAuthError InvalidToken(string detail) => new(401, "invalid_token", "The access token is missing or not valid.") { Detail = detail };

    public static OAuthError AuthorizationPending(string description) => new(403, Pending, description);

    /// <summary>CIBA Core §11, which takes the code from RFC 8628 §3.5.</summary>
    public static OAuthError AuthorizationPending() => new(400, Pending, "The end-user authorization is pending");

    public static OAuthError TooManyRequests(TimeSpan retryAfter) =>
        new(429, "too_many_requests", "Too many failed attempts. Try again later.") { RetryAfter = retryAfter };

    /// <summary>Input that is echoed is cut and stripped of what could forge a log line or a page.</summary>
    public static string Shown(string input) =>
        new([.. input.Take(100).Select(c => c is < ' ' or > '~' or '"' or '\\' ? '?' : c)]);
}

/// <summary>The typed failure contract of the exchange: what an agent does next.</summary>
internal static class FailureReason
{
    /// <summary>The user has no account connected here: send them to connect one.</summary>
    public const string NotConnected = "not_connected";

    /// <summary>The provider withdrew the grant: the user must connect again.</summary>
    public const string ReauthorizationRequired = "reauthorization_required";

    /// <summary>The grant lacks scopes, listed in <c>missing_scopes</c>: the user must connect again and grant them.</summary>
    public const string InsufficientScope = "insufficient_scope";

    /// <summary>The provider is away: try again after <c>Retry-After</c>; nothing is lost.</summary>
    public const string TemporarilyUnavailable = "temporarily_unavailable";

    /// <summary>The user has been asked to approve this very act: try again after <c>Retry-After</c>, until there is an answer.</summary>
    public const string ApprovalRequired = "approval_required";

    /// <summary>A rule of this deployment forbids it; trying again is of no use.</summary>
    public const string PolicyDenied = "policy_denied";
}
