namespace TokenVault.Client;

/// <summary>The server did not do what it was asked. <see cref="Failure"/> says what to do next; nothing in here is secret.</summary>
/// <example><code>catch (TokenVaultException e) when (e.Failure is TokenVaultFailure.NotConnected) { /* offer to connect */ }</code></example>
public sealed class TokenVaultException : Exception
{
    internal TokenVaultException(TokenVaultFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    /// <summary>Why, by what to do next.</summary>
    public TokenVaultFailure Failure { get; }

    /// <summary>The connection concerned, if any.</summary>
    public string? Connection { get; internal init; }

    /// <summary>The scopes that were asked for.</summary>
    public IReadOnlyList<string> Scopes { get; internal init; } = [];

    /// <summary>With <see cref="TokenVaultFailure.InsufficientScope"/>: what the account was not granted.</summary>
    public IReadOnlyList<string> MissingScopes { get; internal init; } = [];

    /// <summary>
    /// With <see cref="TokenVaultFailure.TemporarilyUnavailable"/> and <see cref="TokenVaultFailure.ApprovalRequired"/>: how long to wait; null when
    /// the server did not say.
    /// </summary>
    public TimeSpan? RetryAfter { get; internal init; }

    /// <summary>
    /// With <see cref="TokenVaultFailure.ApprovalRequired"/>: where the user answers, and until when. It is not to be polled: the exchange is sent
    /// again.
    /// </summary>
    public PendingApproval? Approval { get; internal init; }

    /// <summary>With <see cref="TokenVaultFailure.ClockSkew"/>: how far this machine is ahead (negative: behind).</summary>
    public TimeSpan? ClockSkew { get; internal init; }

    /// <summary>The HTTP status; null when there was no answer.</summary>
    public int? Status { get; internal init; }

    /// <summary>OAuth's or Auth0's error code, for logs.</summary>
    public string? Error { get; internal init; }

    /// <summary>What the account has beside, where it is known.</summary>
    internal IReadOnlyList<string> GrantedScopes { get; init; } = [];

    /// <summary>Whether the user can mend it by connecting (again).</summary>
    public bool UserCanConnect =>
        Failure is TokenVaultFailure.NotConnected or TokenVaultFailure.ReauthorizationRequired or TokenVaultFailure.InsufficientScope;
}
