using System.Text.Json.Nodes;
using TokenVault.Server.Clients;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Factors;

/// <summary>The approval pages act on a session: no policy of a second factor stops at them.</summary>
public sealed class ApprovalFactorTests(FactorScene scene) : IClassFixture<FactorScene>
{
    [Fact]
    public async Task Where_a_second_factor_is_demanded_nobody_approves_without_it()
    {
        await scene.SetPolicyAsync();
        var person = await scene.NewPersonAsync();
        await person.ComeAsync();
        var before = await AskAsync(person);
        (await person.Browser.SubmitAsync(await person.Browser.GoAsync(before["approval_uri"]!), Allow)).Html.ShouldContain("<h1>Approved</h1>");
        var shown = await AskAsync(person);
        var page = await person.Browser.GoAsync(shown["approval_uri"]!);

        await scene.SetPolicyAsync(MultiFactorPolicy.Always);
        (await person.Browser.SubmitAsync(page, Allow)).Html.ShouldContain("<h1>Set up a second step</h1>", customMessage: "the page was opened before the policy");
        (await PollAsync(shown))["error"].ShouldBe("authorization_pending");
        var weak = await PollAsync(before);
        weak.ShouldBeRefused(400, "access_denied");

        var setUp = await person.Browser.GoAsync(shown["approval_uri"]!);
        var phone = Phone.SetUpFrom(setUp, scene.Clock);
        var kept = await person.EnterAsync(setUp, phone.Code());
        var again = await person.FollowAsync(kept, "/authorize/resume");
        again.Url.ShouldBe(shown["approval_uri"]);
        (await person.Browser.SubmitAsync(again, Allow)).Html.ShouldContain("<h1>Approved</h1>");
        scene.Clock.Advance(TimeSpan.FromSeconds(5));
        var tokens = await PollAsync(shown);
        tokens.ShouldBeGranted();
        Answers.Claims(tokens["id_token"])["amr"]!.ToJsonString().ShouldBe("""["pwd","otp","mfa"]""");
        await scene.SetPolicyAsync();
    }

    [Fact]
    public async Task A_client_may_ask_for_the_second_factor_by_itself()
    {
        await scene.SetPolicyAsync();
        var person = await scene.EnrolledPersonAsync();
        person.TakeNewBrowser();
        await person.ComeAsync();
        var asked = await AskAsync(person, ("acr_values", AuthenticationMethod.MultiFactorContext));
        var challenge = await person.Browser.GoAsync(asked["approval_uri"]!);
        challenge.Html.ShouldContain("<h1>Confirm that it is you</h1>");
        var page = await person.EnterAsync(challenge, person.Phone.Code());
        page.Url.ShouldBe(asked["approval_uri"]);
        (await person.Browser.SubmitAsync(page, Allow)).Html.ShouldContain("<h1>Approved</h1>");
        (await PollAsync(asked)).ShouldBeGranted();
    }

    private static Dictionary<string, string> Allow { get; } = new() { ["action"] = "allow" };

    private Dictionary<string, string> Credentials => new()
    {
        ["client_id"] = scene.App.Credentials.ClientId,
        ["client_secret"] = scene.App.Credentials.ClientSecret,
    };

    private async Task<Answer> AskAsync(Person person, params (string Name, string Value)[] more)
    {
        var grants = new JsonObject { ["grant_types"] = new JsonArray(Wire.AuthorizationCode, Wire.RefreshToken, Wire.Ciba) };
        (await (await scene.AdminAsync()).PatchAsync("clients/" + scene.App.Credentials.ClientId, grants)).Status.ShouldBe(200);
        var form = new Dictionary<string, string>(Credentials)
        {
            ["scope"] = "openid",
            ["login_hint"] = new JsonObject { ["format"] = "iss_sub", ["iss"] = scene.Vault.Issuer, ["sub"] = person.Id }.ToJsonString(),
        };
        foreach (var (name, value) in more)
        {
            form[name] = value;
        }

        var answer = await scene.Vault.Api.FormAsync("bc-authorize", form);
        answer.Status.ShouldBe(200, answer.Text);
        return answer;
    }

    private Task<Answer> PollAsync(Answer asked) => scene.Vault.Api.FormAsync(
        "oauth/token", new Dictionary<string, string>(Credentials) { ["grant_type"] = Wire.Ciba, ["auth_req_id"] = asked["auth_req_id"]! });
}
