using System.Text.Json;

namespace TokenVault.Client.Agents;

/// <summary>A tool waits for the user's approval, or did not get it; <see cref="TokenVaultInterrupt.Code"/> says which.</summary>
public sealed class ApprovalInterrupt : TokenVaultInterrupt
{
    /// <summary>The user has not answered yet: check again after <see cref="RetryAfter"/>.</summary>
    public const string PendingCode = "ASYNC_AUTHORIZATION_AUTHORIZATION_PENDING";

    /// <summary>The server asks to check less often: <see cref="RetryAfter"/>.</summary>
    public const string PollingCode = "ASYNC_AUTHORIZATION_AUTHORIZATION_POLLING_ERROR";

    /// <summary>The user said no.</summary>
    public const string DeniedCode = "ASYNC_AUTHORIZATION_ACCESS_DENIED";

    /// <summary>The user did not answer in time.</summary>
    public const string ExpiredCode = "ASYNC_AUTHORIZATION_AUTHORIZATION_REQUEST_EXPIRED";

    /// <summary>The server does not know the approval any more.</summary>
    public const string InvalidCode = "ASYNC_AUTHORIZATION_INVALID_GRANT";

    /// <summary>The user has nowhere to be asked.</summary>
    public const string UnavailableCode = "ASYNC_AUTHORIZATION_USER_DOES_NOT_HAVE_PUSH_NOTIFICATIONS";

    internal ApprovalInterrupt(string code, string message, PendingApproval? approval, TimeSpan? retryAfter, Exception? inner)
        : base(code, message, inner)
    {
        Approval = approval;
        RetryAfter = retryAfter;
    }

    /// <summary>What the user is being asked; null when they could not be asked.</summary>
    public PendingApproval? Approval { get; }

    /// <summary>With <see cref="PendingCode"/> and <see cref="PollingCode"/>: how long to wait before resuming.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Whether the user may still say yes.</summary>
    public bool IsPending => Code is PendingCode or PollingCode;

    private protected override void WriteMembers(Utf8JsonWriter writer)
    {
        if (Approval is { } approval)
        {
            writer.WriteStartObject("request");
            writer.WriteString("id", approval.Id);
            writer.WriteNumber("requestedAt", approval.RequestedAt.ToUnixTimeMilliseconds() / 1000.0);
            writer.WriteNumber("expiresIn", (long)(approval.ExpiresAt - approval.RequestedAt).TotalSeconds);
            writer.WriteNumber("interval", (long)approval.Interval.TotalSeconds);
            writer.WriteEndObject();
            if (approval.ApprovalUri is { } uri)
            {
                // Ours: where a front end can send the user.
                writer.WriteString("approvalUri", uri.AbsoluteUri);
            }
        }

        if (Code == PollingCode && RetryAfter is { } retryAfter)
        {
            writer.WriteNumber("retryAfter", (long)retryAfter.TotalSeconds);
        }
    }
}
