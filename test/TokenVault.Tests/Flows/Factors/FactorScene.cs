using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TokenVault.Server.Demo;
using TokenVault.Server.Http;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Workers;

namespace TokenVault.Tests.Flows.Factors;

/// <summary>People who sign in with a second factor; behind a proxy, so that they can be elsewhere.</summary>
public class FactorScene : WorkerScene
{
    internal const string Scopes = "openid offline_access read:calendar";

    private protected override IReadOnlyDictionary<string, string?>? Settings =>
        new Dictionary<string, string?> { ["TokenVault:Proxy:TrustedNetworks:0"] = "127.0.0.1/32" };

    internal async Task<Answer> SetPolicyAsync(params string[] policies) =>
        await Vault.Api.SendAsync(HttpMethod.Put, "api/v2/guardian/policies", (await AdminAsync()).Token, new JsonArray([.. policies.Select(p => (JsonNode?)p)]));

    /// <summary>A user with a browser in which nobody has signed in.</summary>
    internal async Task<Person> NewPersonAsync()
    {
        var (email, password) = (Identifier.ConnectedAccount().ToLowerInvariant() + "@example.com", Identifier.Secret());
        var id = await (await AdminAsync()).CreateUserAsync(email, password);
        return new Person(this, id, email, password) { Browser = Vault.NewBrowser() };
    }

    /// <summary>A user who has set up an authenticator app, in a browser where they are signed in with it.</summary>
    internal async Task<Person> EnrolledPersonAsync()
    {
        var person = await NewPersonAsync();
        await person.EnrolAsync();
        return person;
    }

    internal string AuthorizeUrl(params (string Name, string Value)[] more)
    {
        var parameters = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = App.Credentials.ClientId,
            ["redirect_uri"] = Operator.Callback,
            ["scope"] = Scopes,
            ["audience"] = Api,
            ["state"] = "the-state",
            ["code_challenge"] = Pkce.Challenge(OAuthVault.Verifier),
            ["code_challenge_method"] = "S256",
        };
        foreach (var (name, value) in more)
        {
            parameters[name] = value;
        }

        return Urls.WithQuery(Vault.Issuer + "authorize", parameters);
    }

    /// <summary>The authorization request from another network: where the browser is sent.</summary>
    internal async Task<string> AuthorizeFromAsync(Browser browser, string address)
    {
        using var http = LoopbackHttp.Client(Vault.Api.Trusted, browser.Cookies);
        using var request = new HttpRequestMessage(HttpMethod.Get, AuthorizeUrl());
        request.Headers.Add("X-Forwarded-For", address);
        using var response = await http.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.Redirect);
        return response.Headers.Location!.OriginalString;
    }
}

/// <summary>A local user, what they know and what they have.</summary>
internal sealed record Person(FactorScene Scene, string Id, string Email, string Password)
{
    public required Browser Browser { get; set; }

    public Phone Phone { get; private set; } = null!;

    public IReadOnlyList<string> RecoveryCodes { get; private set; } = [];

    /// <summary>Asks for authorization, and enters the password where it is asked for.</summary>
    public async Task<Visit> ComeAsync(params (string Name, string Value)[] more)
    {
        var visit = await Browser.GoAsync(Scene.AuthorizeUrl(more), Operator.Callback);
        return visit.Html.Contains("name=\"password\"", StringComparison.Ordinal)
            ? await Browser.SubmitAsync(visit, new Dictionary<string, string> { ["username"] = Email, ["password"] = Password }, Operator.Callback)
            : visit;
    }

    public Task<Visit> EnterAsync(Visit page, string code) =>
        Browser.SubmitAsync(page, new Dictionary<string, string> { ["code"] = code }, Operator.Callback);

    /// <summary>Follows the one link of the page that leads on.</summary>
    public Task<Visit> FollowAsync(Visit page, string path)
    {
        var link = Regex.Match(page.Html, $"href=\"({Regex.Escape(path)}[^\"]*)\"");
        link.Success.ShouldBeTrue(page.Html);
        return Browser.GoAsync(new Uri(new Uri(Scene.Vault.Issuer), WebUtility.HtmlDecode(link.Groups[1].Value)).AbsoluteUri, Operator.Callback);
    }

    /// <summary>Signs in, sets up an authenticator app and keeps the recovery codes.</summary>
    /// <returns>The redirect back to the application.</returns>
    public async Task<Visit> EnrolAsync()
    {
        var page = await ComeAsync(("acr_values", AuthenticationMethod.MultiFactorContext));
        return await FinishEnrolmentAsync(page);
    }

    public async Task<Visit> FinishEnrolmentAsync(Visit page)
    {
        Phone = Phone.SetUpFrom(page, Scene.Clock);
        var kept = await EnterAsync(page, Phone.Code());
        KeepCodes(kept);
        var back = await FollowAsync(kept, "/authorize/resume");
        back["code"].ShouldNotBeNull(back.Url);

        // The code is good once: the next sign-in needs another one.
        Scene.Clock.Advance(TimeSpan.FromSeconds(30));
        return back;
    }

    public void KeepCodes(Visit page)
    {
        RecoveryCodes = [.. Regex.Matches(page.Html, "<li><code>([^<]+)</code></li>").Select(match => match.Groups[1].Value)];
        RecoveryCodes.Count.ShouldBe(10, page.Html);
    }

    /// <summary>Another browser, as after a cleared one, or on another machine.</summary>
    public void TakeNewBrowser() => Browser = Scene.Vault.NewBrowser();

    public async Task<Answer> RedeemAsync(Visit back)
    {
        var answer = await Scene.App.RedeemAsync(back["code"] ?? throw new InvalidOperationException($"No code: {back.Url} {back.Html}"), OAuthVault.Verifier);
        answer.Status.ShouldBe(200, answer.Text);
        return answer;
    }

    /// <summary>What the page asks the browser's authenticators.</summary>
    public static string Options(Visit page) =>
        WebUtility.HtmlDecode(Regex.Match(page.Html, "data-options=\"([^\"]*)\"").Groups[1].Value);

    public Task<Visit> AnswerAsync(Visit page, string credential) =>
        Browser.SubmitAsync(page, new Dictionary<string, string> { ["credential"] = credential }, Operator.Callback);
}
