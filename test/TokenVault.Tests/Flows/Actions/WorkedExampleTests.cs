using System.Net;
using System.Text;
using TokenVault.Server.Demo;
using TokenVault.Tests.Conventions;
using TokenVault.Tests.Flows.OAuth;

namespace TokenVault.Tests.Flows.Actions;

/// <summary>The example of docs/actions.md: challenge a second factor where there is somebody to be challenged, and nowhere else.</summary>
public sealed class WorkedExampleTests(ActionScene scene) : IClassFixture<ActionScene>
{
    [Fact]
    public async Task It_challenges_who_signs_in_and_lets_everything_else_through()
    {
        var user = await scene.ConnectedUserAsync();
        var secret = "";
        await using var service = await SecondFactorService.StartAsync(() => secret, scene.Clock);
        var url = service.Urls.Single() + "/second-factor";
        var login = await scene.ActionAsync(ActionScene.PostLogin, ActionScene.Always(), url: url);
        secret = login.Secret;
        await using (await scene.BindAsync(ActionScene.PostLogin, login))
        {
            var person = await scene.NewPersonAsync();
            var page = await person.ComeAsync();
            page.Url.ShouldContain("/u/mfa");
            (await person.FinishEnrolmentAsync(page))["code"].ShouldNotBeNull();
            (await user.Application.RefreshAsync(user.RefreshToken)).ShouldBeGranted();
            (await user.ExchangeAsync()).ShouldBeGranted();

            // With another secret, the service takes it for somebody else's call; and then nobody gets in.
            secret = "whsec_other";
            (await user.Application.RefreshAsync(user.RefreshToken)).ShouldBeRefused(403, "access_denied");
        }

        foreach (var forged in (string[])["", "t=1", "t=,v1=", "t=x,v1=00", $"t={scene.Clock.GetUtcNow().ToUnixTimeSeconds()},v1=00"])
        {
            using var http = LoopbackHttp.Client(trusted: null);
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
            request.Headers.TryAddWithoutValidation("TokenVault-Signature", forged);
            using var response = await http.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, forged);
        }
    }

    [Fact]
    public void The_documentation_shows_the_lines_that_run()
    {
        var lines = File.ReadAllLines(Path.Combine(SourceTree.Root, "test/TokenVault.Tests/Flows/Actions/SecondFactorService.cs")).SkipWhile(line => !line.Contains("// <example>")).Skip(1)
            .TakeWhile(line => !line.Contains("// </example>")).Select(line => line.Length > 8 ? line[8..] : "");
        File.ReadAllText(Path.Combine(SourceTree.Root, "docs/actions.md")).ReplaceLineEndings("\n").ShouldContain("```csharp\n" + string.Join('\n', lines) + "\n```");
    }
}
