using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.Devices;

/// <summary>Whoever lets a device in may sign in through a provider.</summary>
public sealed class DeviceProviderTests(VaultScene scene) : IClassFixture<VaultScene>
{
    [Fact]
    public async Task The_sign_in_page_of_a_device_offers_the_providers_and_the_way_through_one_leads_back_to_the_device()
    {
        var admin = await scene.AdminAsync();
        var client = await Device.ClientAsync(admin);
        var connection = await scene.AddConnectionAsync("for-devices", more: client);
        (await admin.PatchAsync("connections/" + (string)connection["id"]!, new JsonObject { ["show_as_button"] = true })).Status.ShouldBe(200);
        var device = await Device.BeginAsync(scene.Vault.Api, client, scope: "openid");
        using var browser = scene.Vault.NewBrowser();

        var page = await browser.GoAsync(device.Begun["verification_uri"]!);
        var signIn = await browser.SubmitAsync(page, new Dictionary<string, string> { ["user_code"] = device.UserCode });
        var link = Regex.Match(signIn.Html, "href=\"(/u/login/connection[^\"]*)\"").Groups[1].Value;
        var consent = await browser.GoAsync(new Uri(new Uri(scene.Vault.Issuer), WebUtility.HtmlDecode(link)).AbsoluteUri);
        Device.TextOf(consent).ShouldContain("Allow Television on your device?");
        (await Device.AnswerAsync(browser, consent, "allow")).Html.ShouldContain("Device connected");

        Answers.Claims((await device.AskAsync())["id_token"])["sub"]!.ToString().ShouldBe("oidc|for-devices|ada");
    }
}
