using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Delegation;

/// <summary>A user's token for an API of its own, with the target that the API calls, and everything behind them to be taken away.</summary>
internal sealed class Withdrawal(DelegationScene scene, Application app, Application middle, TestUser user, string api, string target, string token)
{
    public static async Task<Withdrawal> PrepareAsync(DelegationScene scene)
    {
        var strict = new JsonObject { ["subject_type_authorization"] = JsonNode.Parse("""{"user":{"policy":"require_client_grant"}}""") };
        var (api, target) = ($"https://api.example/{Identifier.Secret()}", $"https://target.example/{Identifier.Secret()}");
        var middle = await scene.NewApiAsync(api, strict);
        await scene.NewApiAsync(target);
        var (app, user) = await scene.NewAppAsync();
        await (await scene.AdminAsync()).CreateAsync("client-grants", new JsonObject
        {
            ["client_id"] = app.Credentials.ClientId,
            ["audience"] = api,
            ["scope"] = new JsonArray(DelegationScene.ReadCalendar),
            ["subject_type"] = "user",
        });
        var answer = await app.SignInAsync(user.Browser, user.Email, user.Password, api, "openid read:calendar");
        return new Withdrawal(scene, app, middle, user, api, target, answer["access_token"]!);
    }

    public Task<Answer> ExchangeAsync() => DelegationScene.ExchangeAsync(middle, token, target, new JsonObject { ["scope"] = DelegationScene.ReadCalendar });

    public async Task DoAsync(string what)
    {
        var admin = await scene.AdminAsync();
        var answer = what switch
        {
            "user blocked" => await admin.PatchAsync("users/" + Uri.EscapeDataString(user.Id), new JsonObject { ["blocked"] = true }),
            "user deleted" => await admin.DeleteAsync("users/" + Uri.EscapeDataString(user.Id)),
            "application deleted" => await admin.DeleteAsync("clients/" + app.Credentials.ClientId),
            "application's grant withdrawn" => await admin.DeleteAsync("client-grants/" + await GrantAsync(admin)),
            "scope taken from the application's grant" => await admin.PatchAsync("client-grants/" + await GrantAsync(admin), new JsonObject { ["scope"] = new JsonArray("write:events") }),
            "API deleted" => await admin.DeleteAsync("resource-servers/" + await ApiAsync(admin, api)),
            "target deleted" => await admin.DeleteAsync("resource-servers/" + await ApiAsync(admin, target)),
            "target closed" => await admin.PatchAsync("resource-servers/" + await ApiAsync(admin, target), JsonNode.Parse("""{"subject_type_authorization":{"user":{"policy":"deny_all"}}}""")!),
            "target asks for consent" => await admin.PatchAsync("resource-servers/" + await ApiAsync(admin, target), JsonNode.Parse("""{"skip_consent_for_verifiable_first_party_clients":false}""")!),
            "client unlinked" => await admin.PatchAsync("clients/" + middle.Credentials.ClientId, new JsonObject { ["resource_server_identifier"] = null }),
            "client deleted" => await admin.DeleteAsync("clients/" + middle.Credentials.ClientId),
            "signing key revoked" => await RevokeKeyAsync(admin),
            _ => throw new ArgumentException(what, nameof(what)),
        };
        answer.Status.ShouldBeInRange(200, 299, answer.Text);
    }

    private async Task<string> GrantAsync(Operator admin) =>
        (string)(await admin.GetAsync($"client-grants?client_id={app.Credentials.ClientId}&audience={Uri.EscapeDataString(api)}")).Json[0]!["id"]!;

    private static async Task<string> ApiAsync(Operator admin, string identifier) =>
        (string)(await admin.GetAsync("resource-servers?identifier=" + Uri.EscapeDataString(identifier))).Json[0]!["id"]!;

    /// <summary>The key that the token is signed with is no more.</summary>
    private async Task<Answer> RevokeKeyAsync(Operator admin)
    {
        (await admin.PostAsync("keys/signing/rotate", new JsonObject())).Status.ShouldBe(201);
        var kid = (string)OAuth.Answers.JoseHeader(token)["kid"]!;
        return await scene.Vault.Api.SendAsync(HttpMethod.Put, $"api/v2/keys/signing/{kid}/revoke", (await scene.AdminAsync()).Token);
    }
}
