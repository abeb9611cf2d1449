using System.Text.Json;

namespace TokenVault.Server.Protocol;

/// <summary>What goes with an error that says that a user has yet to approve.</summary>
/// <param name="Interval">How many seconds to wait between two attempts, at least.</param>
internal sealed record ApprovalDemand(int Interval)
{
    /// <summary>What the request for approval is called; null where the client knows.</summary>
    public string? AuthReqId { get; init; }

    /// <summary>Where the user answers: for an application that can show it.</summary>
    public string? ApprovalUri { get; init; }

    /// <summary>How many seconds there are left to answer.</summary>
    public long? ExpiresIn { get; init; }

    public void WriteTo(Utf8JsonWriter writer)
    {
        if (AuthReqId is not null)
        {
            writer.WriteString("auth_req_id", AuthReqId);
        }

        if (ApprovalUri is not null)
        {
            writer.WriteString("approval_uri", ApprovalUri);
        }

        writer.WriteNumber("interval", Interval);
        if (ExpiresIn is { } left)
        {
            writer.WriteNumber("expires_in", left);
        }
    }
}
