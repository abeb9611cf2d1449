using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Server.Users;

namespace TokenVault.Server.Approvals;

/// <summary>What a channel tells.</summary>
/// <param name="Id">The notice's.</param>
/// <param name="Link">Where the user answers.</param>
internal sealed record ApprovalMessage(string Id, Approval Approval, Client Client, User User, string Link)
{
    public JsonObject ToJson()
    {
        var approval = new JsonObject
        {
            ["id"] = Approval.Id,
            ["uri"] = Link,
            ["client_id"] = Client.ClientId,
            ["client_name"] = Client.Name,
            ["user_id"] = User.UserId,
            ["scope"] = Scope.Format(Approval.Scopes),
            ["created_at"] = WireJson.Date(Approval.RequestedAt),
            ["expires_at"] = WireJson.Date(Approval.Deadline),
        };
        approval
            .With("user_email", User.Email)
            .With("binding_message", Approval.BindingMessage)
            .With("audience", Approval.Audience)
            .With("connection", Approval.Connection)
            .With("authorization_details", Approval.AuthorizationDetails is null ? null : JsonNode.Parse(Approval.AuthorizationDetails));
        return new JsonObject { ["id"] = Id, ["type"] = "approval.requested", ["approval"] = approval };
    }

    /// <summary>For people, on any mail reader: no markup, and nothing of the client's that could pass for ours.</summary>
    public string ToText()
    {
        var message = Approval.BindingMessage is null ? "" : $"""

            Its message to you: {OneLine(Approval.BindingMessage)}

            """;
        return $"""
            The application "{OneLine(Client.Name)}" asks for your approval.
            {message}
            Look at what it asks for, and answer, before {Approval.Deadline.UtcDateTime:yyyy-MM-dd HH:mm} UTC:

            {Link}

            If you do not expect this, deny it or do nothing: without your approval nothing happens.
            """;
    }

    /// <summary>What others wrote stays on its line: it must not look like the rest of the message.</summary>
    public static string OneLine(string text) => new([.. text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c)]);
}
