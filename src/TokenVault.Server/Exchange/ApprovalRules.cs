using TokenVault.Server.Clients;
using TokenVault.Server.Connections;

namespace TokenVault.Server.Exchange;

/// <summary>Which exchanges wait for the user. From what is in memory anyhow: where no rule demands it, nothing is read.</summary>
internal static class ApprovalRules
{
    /// <param name="issued">What the token that is to leave is good for, whatever was asked.</param>
    /// <returns>How the user is asked; null: not at all.</returns>
    public static ConnectionApproval? Demanded(Connection connection, Client client, IReadOnlyList<string> issued) =>
        connection.Approval is { } ofConnection && ofConnection.Covers(issued) ? ofConnection
        : client.AgentPolicy?.RequiresApproval == true ? ConnectionApproval.Always
        : null;
}
