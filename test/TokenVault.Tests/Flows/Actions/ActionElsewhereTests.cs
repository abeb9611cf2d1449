using System.Text.Json.Nodes;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Testing;
using TokenVault.Tests.Flows.Approvals;
using TokenVault.Tests.Flows.Devices;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Actions;

/// <summary>Tokens that come of a user's answer on another device than the application's are up to the actions, too.</summary>
public sealed class ActionElsewhereTests(ActionScene scene) : IClassFixture<ActionScene>
{
    private const string Scopes = "openid offline_access read:calendar";
    private const string RequireApproval = """{"type":"require_approval"}""";
    private const string Narrow = """{"type":"narrow_scopes","scopes":["openid","read:calendar","read:everything"]}""";
    private const string SetClaims = """{"type":"set_claims","id_token":{"https://example.com/tier":"gold"},"access_token":{"department":7}}""";

    [Theory]
    [InlineData("oidc-ciba")]
    [InlineData("oauth2-device-code")]
    public async Task What_a_user_has_let_in_is_refused_narrowed_and_told_as_the_actions_say(string protocol)
    {
        var user = await scene.NewUserAsync();
        var redeem = protocol == "oidc-ciba" ? await ApprovedAsync(user) : await LetInAsync(user);
        string[] commands = [];
        var (action, bound) = await scene.BoundAsync(ActionScene.PostLogin, _ => ActionReply.Commands(commands));
        await using (bound)
        {
            commands = ["""{"type":"deny","reason":"Not on a Sunday"}"""];
            var denied = await redeem();
            denied.ShouldBeRefused(403, "access_denied");
            denied["error_description"].ShouldBe("Not on a Sunday");
            var told = action.Asked.ShouldHaveSingleItem().Event;
            ((string?)told["transaction"]!["protocol"], (string?)told["user"]!["user_id"]).ShouldBe((protocol, user.Id));
            ((string?)told["resource_server"]!["identifier"]).ShouldBe(VaultScene.Api);

            commands = ["""{"type":"require_mfa"}"""];
            (await redeem()).ShouldBeRefused(401, "mfa_required");

            // Who has just answered an approval is not asked for another; letting in a device is none.
            if (protocol != "oidc-ciba")
            {
                commands = [RequireApproval];
                (await redeem()).ShouldBeRefused(403, "access_denied");
            }

            commands = protocol == "oidc-ciba" ? [RequireApproval, Narrow, SetClaims] : [Narrow, SetClaims];
            var tokens = await redeem();
            tokens.ShouldBeGranted();
            tokens.ScopesOf().ShouldBe(["openid", "read:calendar"], ignoreOrder: true);
            tokens["refresh_token"].ShouldBeNull();
            ((string?)Answers.Claims(tokens["id_token"])["https://example.com/tier"]).ShouldBe("gold");
            ((int?)Answers.Claims(tokens["access_token"])["department"]).ShouldBe(7);
        }
    }

    private async Task<Func<Task<Answer>>> ApprovedAsync(TestUser user)
    {
        var client = await (await scene.AdminAsync()).CreateApplicationAsync("Asker", new JsonObject
        {
            ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.Ciba),
        });
        Dictionary<string, string> credentials = new() { ["client_id"] = client.ClientId, ["client_secret"] = client.ClientSecret };
        var asked = await scene.Vault.Api.FormAsync("bc-authorize", new Dictionary<string, string>(credentials)
        {
            ["scope"] = Scopes,
            ["audience"] = VaultScene.Api,
            ["login_hint"] = new JsonObject { ["format"] = "iss_sub", ["iss"] = scene.Vault.Issuer, ["sub"] = user.Id }.ToJsonString(),
        });
        asked.Status.ShouldBe(200, asked.Text);
        await ApprovalScene.ApproveAsync(user.Browser, asked["approval_uri"]!);
        return () => scene.Vault.Api.FormAsync(
            "oauth/token", new Dictionary<string, string>(credentials) { ["grant_type"] = Wire.Ciba, ["auth_req_id"] = asked["auth_req_id"]! });
    }

    private async Task<Func<Task<Answer>>> LetInAsync(TestUser user)
    {
        var device = await Device.BeginAsync(scene.Vault.Api, await Device.ClientAsync(await scene.AdminAsync()), VaultScene.Api, Scopes);
        var consent = await device.EnterAsync(user.Browser, user.Email, user.Password);
        (await Device.AnswerAsync(user.Browser, consent, "allow")).Html.ShouldContain("Device connected");
        return () => device.AskAsync();
    }
}
