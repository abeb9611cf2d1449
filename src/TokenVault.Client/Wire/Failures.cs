namespace TokenVault.Client.Wire;

/// <summary>What an error answer means, by the server's <c>reason</c>; without one, as from Auth0, by the code; without that, by the status.</summary>
internal static class Failures
{
    private const int LongestText = 300;

    /// <summary>As far as servers let a signer's clock go wrong.</summary>
    private static readonly TimeSpan ToleratedSkew = TimeSpan.FromSeconds(60);

    public static TokenVaultException Of(Answer answer, DateTimeOffset now, FailureContext context)
    {
        var error = answer.TryRead(WireJson.Default.ErrorAnswer);
        var failure = Classify(answer.Status, error, context);
        if (context.Signed && Skew(answer, error, now) is { } skew)
        {
            return new TokenVaultException(TokenVaultFailure.ClockSkew, $"This machine's clock is {Words(skew)} the server's.")
            {
                ClockSkew = skew,
                Connection = context.Connection,
                Scopes = context.Scopes ?? [],
                Status = answer.Status,
                Error = error?.Error,
            };
        }

        var scopes = context.Scopes ?? [];
        var what = error?.Error ?? error?.Title ?? "no error that can be read";
        var text = error?.ErrorDescription ?? error?.Detail;
        return new TokenVaultException(failure, Clean($"The server answered {answer.Status}, {what}{(text is null ? "." : ": " + text)}"))
        {
            Connection = context.Connection,
            Scopes = scopes,
            MissingScopes = failure is TokenVaultFailure.InsufficientScope ? error?.MissingScopes ?? scopes : [],
            RetryAfter = failure is TokenVaultFailure.TemporarilyUnavailable or TokenVaultFailure.ApprovalRequired ? answer.RetryAfter : null,
            Approval = failure is TokenVaultFailure.ApprovalRequired
                ? new ApprovalAnswer(error!.AuthReqId, error.ApprovalUri, error.ExpiresIn, error.Interval).Read(now)
                : null,
            Status = answer.Status,
            Error = error?.Error,
        };
    }

    /// <summary>For a log: one line, and not endless.</summary>
    public static string Clean(string text)
    {
        var line = new string([.. text.Where(c => !char.IsControl(c)).Take(LongestText)]);
        return text.Length > LongestText ? line + "…" : line;
    }

    private static TokenVaultFailure Classify(int status, ErrorAnswer? error, FailureContext context) =>
        ByReason(error?.Reason) ?? ByStatus(status) ?? ByCode(error?.Error) ?? ByProblem(status, context);

    private static TokenVaultFailure? ByReason(string? reason) => reason switch
    {
        "not_connected" => TokenVaultFailure.NotConnected,
        "reauthorization_required" => TokenVaultFailure.ReauthorizationRequired,
        "insufficient_scope" => TokenVaultFailure.InsufficientScope,
        "temporarily_unavailable" => TokenVaultFailure.TemporarilyUnavailable,
        "approval_required" => TokenVaultFailure.ApprovalRequired,
        "policy_denied" => TokenVaultFailure.PolicyDenied,
        _ => null,
    };

    /// <summary>Never a matter of the user, whatever the body says.</summary>
    private static TokenVaultFailure? ByStatus(int status) => status switch
    {
        429 or >= 500 => TokenVaultFailure.TemporarilyUnavailable,
        < 400 => TokenVaultFailure.InvalidAnswer,
        _ => null,
    };

    private static TokenVaultFailure? ByCode(string? code) => code switch
    {
        "federated_connection_refresh_token_not_found" or "tokenset_not_found" => TokenVaultFailure.NotConnected,
        "federated_connection_refresh_token_flow_failed" => TokenVaultFailure.ReauthorizationRequired,
        "invalid_scope" => TokenVaultFailure.InsufficientScope,
        "invalid_grant" or "expired_token" or "invalid_token" => TokenVaultFailure.SubjectRejected,
        "mfa_required" or "unmet_authentication_requirements" => TokenVaultFailure.MultiFactorRequired,
        "invalid_client" or "invalid_dpop_proof" => TokenVaultFailure.ClientRejected,
        "access_denied" or "unauthorized_client" => TokenVaultFailure.PolicyDenied,
        "too_many_requests" or "temporarily_unavailable" => TokenVaultFailure.TemporarilyUnavailable,
        "unsupported_grant_type" => TokenVaultFailure.NotSupported,
        "invalid_request" => TokenVaultFailure.InvalidRequest,
        _ => null,
    };

    /// <summary>The My Account API has no codes.</summary>
    private static TokenVaultFailure ByProblem(int status, FailureContext context) => status switch
    {
        401 => TokenVaultFailure.SubjectRejected,
        403 => TokenVaultFailure.PolicyDenied,
        400 or 404 or 409 when context.Completes => TokenVaultFailure.ConnectFailed,
        _ => TokenVaultFailure.InvalidRequest,
    };

    /// <summary>A refusal of what was signed here, by a server whose clock says why.</summary>
    private static TimeSpan? Skew(Answer answer, ErrorAnswer? error, DateTimeOffset now)
    {
        if (error?.Reason is not null || error?.Error is not ("invalid_client" or "invalid_grant" or "invalid_dpop_proof" or "invalid_request"))
        {
            return null;
        }

        var skew = now - answer.Date;
        return skew?.Duration() > ToleratedSkew ? skew : null;
    }

    private static string Words(TimeSpan skew) =>
        $"{(long)skew.Duration().TotalSeconds} s {(skew > TimeSpan.Zero ? "ahead of" : "behind")}";
}
