using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TokenVault.Server.Demo;
using TokenVault.Server.Protocol;
using TokenVault.Tests.Flows.OAuth;
using TokenVault.Tests.Flows.Vault;

namespace TokenVault.Tests.Flows.SignIn;

/// <summary>What tests of sign-in through a provider do again and again.</summary>
internal static partial class Upstreams
{
    public const string Scopes = "openid profile email offline_access read:calendar";

    /// <summary>A connection of this test's own: its users are nobody else's.</summary>
    public static async Task<string> NewConnectionAsync(
        this VaultScene scene, string strategy = "oidc", Action<JsonObject>? options = null, JsonObject? more = null)
    {
        var name = "own-" + Identifier.Client().ToLowerInvariant();
        var all = strategy == "oidc" ? scene.Provider.OidcOptions(VaultScene.CalendarScopes) : scene.Provider.OAuth2Options(VaultScene.CalendarScopes);
        options?.Invoke(all);
        var connection = await scene.AddConnectionAsync(name, strategy, all);
        if (more is not null)
        {
            (await (await scene.AdminAsync()).PatchAsync($"connections/{connection["id"]}", more)).Status.ShouldBe(200);
        }

        return name;
    }

    /// <summary>As far as the redirect back to the application, or the page at which it ends.</summary>
    public static Task<(Visit Visit, string Verifier)> AuthorizeAsync(
        this VaultScene scene, Browser browser, string connection, params (string Name, string Value)[] more) =>
        scene.App.AuthorizeAsync(
            browser, "", "", VaultScene.Api, Scopes, more.Select(p => KeyValuePair.Create(p.Name, p.Value)).Prepend(new("connection", connection)));

    /// <summary>The sign-in page of a request that names no connection.</summary>
    public static async Task<(Visit Page, string Verifier)> PageAsync(this VaultScene scene, Browser browser, Application application)
    {
        var verifier = Identifier.Secret();
        var parameters = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = application.Credentials.ClientId,
            ["redirect_uri"] = Operator.Callback,
            ["scope"] = Scopes,
            ["audience"] = VaultScene.Api,
            ["state"] = "the-state",
            ["code_challenge"] = Pkce.Challenge(verifier),
            ["code_challenge_method"] = "S256",
        };
        return (await browser.GoAsync(Server.Http.Urls.WithQuery(scene.Vault.Issuer + "authorize", parameters), Operator.Callback), verifier);
    }

    /// <summary>The address at the provider that the browser is sent to.</summary>
    public static Task<Visit> DepartAsync(this VaultScene scene, Browser browser, string connection, params (string Name, string Value)[] more)
    {
        var parameters = new Dictionary<string, string>
        {
            ["response_type"] = "code",
            ["client_id"] = scene.App.Credentials.ClientId,
            ["redirect_uri"] = Operator.Callback,
            ["scope"] = "openid",
            ["state"] = "the-state",
            ["connection"] = connection,
        };
        foreach (var (name, value) in more)
        {
            parameters[name] = value;
        }

        return browser.GoAsync(Server.Http.Urls.WithQuery(scene.Vault.Issuer + "authorize", parameters), scene.Provider.Sandbox.AuthorizationUrl);
    }

    /// <param name="person">Who is signed in at the provider; null: its first user.</param>
    public static async Task<SignedInUser> SignInAsync(
        this VaultScene scene, string connection, string? person = null, Browser? browser = null, params (string Name, string Value)[] more)
    {
        browser ??= scene.Vault.NewBrowser();
        (string Name, string Value)[] all = person is null ? more : [.. more, ("login_hint", person)];
        var (visit, verifier) = await scene.AuthorizeAsync(browser, connection, all);
        return await scene.RedeemAsync(browser, visit, verifier);
    }

    public static async Task<SignedInUser> RedeemAsync(this VaultScene scene, Browser browser, Visit visit, string verifier)
    {
        visit["code"].ShouldNotBeNull($"{visit.Url} {visit.Html}");
        var answer = await scene.App.RedeemAsync(visit["code"]!, verifier);
        answer.Status.ShouldBe(200, answer.Text);
        return new SignedInUser(scene, browser, answer);
    }

    public static async Task<JsonNode> UserAsync(this VaultScene scene, string id)
    {
        var answer = await (await scene.AdminAsync()).GetAsync("users/" + Uri.EscapeDataString(id));
        answer.Status.ShouldBe(200, answer.Text);
        return answer.Json;
    }

    /// <summary>An error that ended at the application.</summary>
    public static void ShouldEndWith(this Visit visit, string error)
    {
        visit.Status.ShouldBe(0, visit.Html);
        visit["error"].ShouldBe(error, visit.Url);
        visit["error_description"].ShouldNotBeNullOrEmpty();
        visit["state"].ShouldNotBeNullOrEmpty();
        visit["code"].ShouldBeNull();
    }

    /// <summary>Where the page's link of this text leads.</summary>
    public static string Link(this Visit page, string text)
    {
        var links = Links().Matches(page.Html).Select(match => (Href: WebUtility.HtmlDecode(match.Groups[1].Value), Text: WebUtility.HtmlDecode(match.Groups[2].Value)));
        return new Uri(new Uri(page.Url), links.First(link => link.Text.Contains(text, StringComparison.Ordinal)).Href).AbsoluteUri;
    }

    [GeneratedRegex("<a [^>]*href=\"([^\"]*)\"[^>]*>([^<]*)</a>", RegexOptions.NonBacktracking)]
    private static partial Regex Links();
}

/// <summary>A user who signed in through a provider, with the browser they did it in.</summary>
internal sealed record SignedInUser(VaultScene Scene, Browser Browser, Answer Tokens)
{
    public string Id => (string)Answers.Claims(Tokens["id_token"])["sub"]!;

    public string RefreshToken => Tokens["refresh_token"]!;

    public Task<Answer> ExchangeAsync(string connection, JsonObject? more = null) =>
        Scene.App.ExchangeAsync(RefreshToken, Wire.RefreshTokenType, connection, more);

    public async Task<string> MyTokenAsync() => (await Scene.App.RefreshAsync(RefreshToken, Scene.Vault.Issuer + "me/"))["access_token"]!;

    public async Task<List<JsonNode>> AccountsAsync()
    {
        var answer = await Scene.Vault.Api.SendAsync(HttpMethod.Get, VaultScene.Accounts, await MyTokenAsync());
        answer.Status.ShouldBe(200, answer.Text);
        return [.. answer.Json["accounts"]!.AsArray().Select(account => account!)];
    }
}
