using System.Text.Json.Nodes;
using TokenVault.Server.Http;

namespace TokenVault.Server.Approvals;

/// <summary>What the log is told of an approval.</summary>
internal static class ApprovalTrace
{
    public static JsonObject Of(Approval approval) => new JsonObject { ["approval_id"] = approval.Id }
        .With("connection", approval.Connection)
        .With("binding_message", approval.BindingMessage)
        .With("authorization_details", approval.AuthorizationDetails is null ? null : JsonNode.Parse(approval.AuthorizationDetails));
}
