namespace TokenVault.Client;

/// <summary>Where an approval stands. Denied and expired ones are a <see cref="TokenVaultException"/>.</summary>
public sealed class ApprovalResult
{
    internal ApprovalResult(TimeSpan checkAgainAfter, bool tooFast)
    {
        CheckAgainAfter = checkAgainAfter;
        TooFast = tooFast;
    }

    internal ApprovalResult(string accessToken, string? idToken, DateTimeOffset expiresAt)
    {
        AccessToken = accessToken;
        IdToken = idToken;
        ExpiresAt = expiresAt;
    }

    /// <summary>Whether the user said yes.</summary>
    public bool IsApproved => AccessToken is not null;

    /// <summary>While it is pending: how long to wait before the next check.</summary>
    public TimeSpan CheckAgainAfter { get; }

    /// <summary>Once approved: the token that the approval gives, once.</summary>
    public string? AccessToken { get; }

    /// <summary>Once approved: who approved.</summary>
    public string? IdToken { get; }

    /// <summary>When the token ends, by this machine's clock.</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>The server asks to be asked less often.</summary>
    internal bool TooFast { get; }

    /// <summary>Whether it is approved, and no token.</summary>
    public override string ToString() => IsApproved ? "[approved]" : "[pending]";
}
