namespace TokenVault.Client;

/// <summary>A user is being asked. Can be stored, and checked by another process of the same client.</summary>
/// <param name="Id">The <c>auth_req_id</c>: worth nothing without the client's credentials.</param>
/// <param name="RequestedAt">When it was asked, by this machine's clock.</param>
/// <param name="ExpiresAt">Until when it can be answered.</param>
/// <param name="Interval">How long to wait between two checks, at least.</param>
public sealed record PendingApproval(string Id, DateTimeOffset RequestedAt, DateTimeOffset ExpiresAt, TimeSpan Interval)
{
    /// <summary>Where the user answers in a browser, signed in as themselves; null: they are told elsewhere only.</summary>
    public Uri? ApprovalUri { get; init; }

    /// <summary>Until when.</summary>
    public override string ToString() => $"[approval until {ExpiresAt:O}]";
}
