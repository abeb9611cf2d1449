using System.Text.Json.Nodes;
using TokenVault.Tests.Flows.Approvals;

namespace TokenVault.Tests.WireFormat;

/// <summary>What clients hear of approvals, to the letter.</summary>
public sealed class ApprovalWireTests(ApprovalScene scene) : IClassFixture<ApprovalScene>
{
    [Fact]
    public async Task Approvals()
    {
        const string connection = "guarded-calendar";
        var added = await scene.AddConnectionAsync(connection);
        await scene.GuardAsync((string)added["id"]!, new JsonObject { ["required"] = true });
        var user = await scene.ConnectedUserAsync(connection);
        var begun = await scene.AskAsync(user.Id, ("authorization_details", "[{\"type\":\"payment\",\"amount\":12.5}]"));
        var golden = new Golden((scene.Vault.Issuer, "{issuer}/"))
            .Add("POST /bc-authorize", begun)
            .Add("nobody of that name", await scene.AskAsync("auth0|nobody"))
            .Add("a poll", await scene.PollAsync(begun["auth_req_id"]!))
            .Add("a poll too early", await scene.PollAsync(begun["auth_req_id"]!));
        await ApprovalScene.ApproveAsync(user.Browser, begun["approval_uri"]!);
        golden.Add("approved", await scene.PollAsync(begun["auth_req_id"]!)).Add("again", await scene.PollAsync(begun["auth_req_id"]!));
        var pending = await user.ExchangeAsync(connection);
        golden.Add("an exchange that waits", pending);
        await ApprovalScene.DenyAsync(user.Browser, pending["approval_uri"]!);
        golden.Add("an exchange that was denied", await user.ExchangeAsync(connection)).Match("approvals");
    }
}
