using TokenVault.Tests.Flows.Factors;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Devices;

/// <summary>Who lets a device in has to prove as much as for any other application.</summary>
public sealed class DeviceFactorTests(FactorScene scene) : IClassFixture<FactorScene>
{
    [Fact]
    public async Task A_second_factor_that_the_policy_demands_is_asked_for_before_the_device_is_let_in()
    {
        var person = await scene.EnrolledPersonAsync();
        person.TakeNewBrowser();
        await scene.SetPolicyAsync("all-applications");
        var device = await Device.BeginAsync(scene.Vault.Api, await Device.ClientAsync(await scene.AdminAsync()), scope: "openid");

        var challenge = await device.EnterAsync(person.Browser, person.Email, person.Password);
        challenge.Url.ShouldContain("/u/mfa");
        var consent = await person.EnterAsync(challenge, person.Phone.Code());
        (await Device.AnswerAsync(person.Browser, consent, "allow")).Html.ShouldContain("Device connected");

        var tokens = await device.AskAsync();
        tokens.ShouldBeGranted();
        Answers.Claims(tokens["id_token"])["amr"]!.AsArray().Select(method => (string?)method).ShouldContain("mfa");
        await scene.SetPolicyAsync();
    }
}
